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
    await shop.meterUsage();
    const [state] = await shop.look<{ settled: boolean }>(
      `select noted = rolled and summed_through = sealed_through
              and not exists (select from usage_closings where sealed_at is null) as settled from usage_rolls, usage_gate`,
    );
    if (state?.settled) return;
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
