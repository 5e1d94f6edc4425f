import { setTimeout as sleep } from "node:timers/promises";
import { type Customer, environmentOf, productApi } from "./customer.ts";
import type { World } from "./world.ts";

const EVERY_MS = 150;
/** The key is read first and judged after: a rotation or a turned clock may come between. */
const TOLERATED_MS = 1_000;

export interface Sampler {
  /** Every time a customer was left with a refused key. */
  stop(): Promise<readonly string[]>;
  readonly samples: () => number;
}

/** Asks again and again whether what the customer's app has in its environment is worth something. */
export function startSampling(world: World, customers: readonly Customer[]): Sampler {
  const refusedSince = new Map<string, number>();
  const offences = new Set<string>();
  let samples = 0;
  let stopped = false;

  const lookAt = async (customer: Customer): Promise<void> => {
    const { addon, doubt } = customer;
    if (addon === undefined || doubt?.kind === "removal" || !world.provider.isUp) return;
    const { key } = await environmentOf(world, customer.app);
    const verdict = key === "" ? undefined : await verdictOn(world, key);
    if (verdict === undefined) return;
    samples += 1;
    const since = refusedSince.get(key) ?? performance.now();
    if (verdict === "valid" || verdict === "gone") refusedSince.delete(key);
    else if (performance.now() - since < TOLERATED_MS || (await isCutOff(world, addon))) refusedSince.set(key, since);
    else offences.add(`${customer.app} was left with a key that is ${verdict}.`);
  };

  const run = async (): Promise<void> => {
    while (!stopped) {
      await sleep(EVERY_MS);
      for (const customer of customers)
        await lookAt(customer).catch((fault: unknown) => world.ear.say(`no sample: ${fault}`));
    }
  };
  const running = run();

  return {
    stop: async () => {
      stopped = true;
      await running;
      return [...offences];
    },
    samples: () => samples,
  };
}

/** Undefined while nobody can say. */
async function verdictOn(world: World, key: string): Promise<string | undefined> {
  const origin = `http://127.0.0.1:${await world.provider.port()}`;
  const answer = await productApi(world, "/v1/keys/verify", { key }, origin).catch(() => undefined);
  if (answer?.status !== 200) return undefined;
  const { valid, code } = answer.body as { valid: boolean; code?: string };
  return valid ? "valid" : code;
}

/** Without a grant nothing can be pushed: then a rotation ends at its stated time (docs/decisions/0003). */
async function isCutOff({ looker }: World, addon: string): Promise<boolean> {
  const rows = await looker.look(
    `select from lifecycle_events e join tenants t on t.id = e.tenant_id
     where t.resource_id = $1 and e.type = 'grant.lost'`,
    [addon],
  );
  return rows.length > 0;
}
