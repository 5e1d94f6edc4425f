import { setTimeout as sleep } from "node:timers/promises";
import type { UsageReceipt } from "../../src/metering/metering.ts";
import type { TestProvider } from "./provider.ts";
import { purchase } from "./provider.ts";

export const PRODUCT = { kind: "product" } as const;

/** A tenant that was bought just now. */
export async function newTenant(shop: TestProvider, plan = "basic"): Promise<string> {
  return (await shop.provision(purchase({ plan }))).value.tenant.id;
}

/** `accepted`, `duplicate`, or the code of the refusal. */
export const verdictsOf = (receipts: readonly UsageReceipt[]): string[] =>
  receipts.map((receipt) => (receipt.status === "refused" ? receipt.code : receipt.status));

/** What became of events from the product. */
export async function send(shop: TestProvider, ...items: unknown[]): Promise<string[]> {
  return verdictsOf(await shop.recordUsage(PRODUCT, items));
}

/** Runs the job of a worker until every event that is stored is in a record, and every hour that is over is sealed. */
export async function settle(shop: TestProvider): Promise<void> {
  await shop.look("select note_usage()");
  for (let round = 0; round < 500; round += 1) {
    const worked = await shop.meterUsage();
    const [state] = await shop.look<{ settled: boolean }>(
      `select noted = rolled and summed_through = sealed_through
              and not exists (select from usage_closings where sealed_at is null) as settled from usage_rolls, usage_gate`,
    );
    if (state?.settled && !worked) return;
    await sleep(10);
  }
  throw new Error("The metering found no rest.");
}

/** A tenant's records: `dimension hour quantity state`, in order. */
export async function recordsOf(shop: TestProvider, tenant: string): Promise<string[]> {
  const records = await shop.listUsage({ tenant, limit: 1_000 });
  return records.map(
    ({ dimension, hour, quantity, state }) => `${dimension} ${hour.toISOString().slice(5, 16)} ${quantity} ${state}`,
  );
}

/** Reports until nothing is due. Lanes of a worker run beside each other. */
export async function report(shop: TestProvider, lanes = 1): Promise<void> {
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      while (await shop.reportUsage(0));
    }),
  );
}

/** A tenant's records as the marketplace's side sees them: `hour units state verdict`, in order. */
export async function reportsOf(shop: TestProvider, tenant: string): Promise<string[]> {
  const rows = await shop.look<{ line: string }>(
    `select concat_ws(' ', to_char(hour at time zone 'UTC', 'DD"T"HH24'), dimension, units, state, verdict) as line
     from usage_records where tenant_id = $1 order by hour, dimension`,
    [tenant],
  );
  return rows.map(({ line }) => line);
}
