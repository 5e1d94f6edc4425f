import { type RotationWish, rotationProof, rotationStatus, startRotation } from "../../src/provider/rotations.ts";
import { MINUTE } from "./clock.ts";
import { purchase, type TestProvider, testProvider } from "./provider.ts";

export const API_KEY = "ACME_SEARCH_API_KEY";
export const by = "operator:jo" as const;
const wish = (more: Partial<RotationWish> = {}): RotationWish => ({
  overlapSeconds: 7_200,
  canary: 10,
  batch: 5,
  waits: true,
  ...more,
});

export async function shopOf(tenants: number, options: Parameters<typeof testProvider>[0] = {}) {
  const shop = await testProvider(options);
  const ids: string[] = [];
  for (let n = 0; n < tenants; n += 1) ids.push((await shop.provision(purchase())).value.tenant.id);
  shop.clock.advance(MINUTE);
  return { shop, ids, keys: await keysOf(shop, ids) };
}

export async function keysOf(shop: TestProvider, ids: readonly string[]): Promise<string[]> {
  return Promise.all(ids.map(async (id) => (await shop.configVars(id))[API_KEY] ?? ""));
}

export const start = (shop: TestProvider, more: Partial<RotationWish> = {}) =>
  startRotation(shop.deps.store, wish(more), by, shop.clock.now());
export const statusOf = (shop: TestProvider, id?: string) => rotationStatus(shop.deps.store, id);
/** One look of a worker: turns, then what they owe. */
export async function look(shop: TestProvider, places = 10): Promise<number> {
  const turns = await shop.startRotations(places);
  await Promise.all(turns);
  await shop.work();
  await shop.followRotations();
  await shop.followRotations();
  return turns.length;
}

export async function workOn(shop: TestProvider, rounds = 60): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await look(shop);
    shop.clock.advance(2_000);
  }
}

export async function proofOf(shop: TestProvider, id: string) {
  const rows = [];
  for await (const row of rotationProof(shop.deps.store, id)) rows.push(row);
  return rows;
}
