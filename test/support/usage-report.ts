import { randomUUID } from "node:crypto";
import { HOUR, MINUTE } from "./clock.ts";
import type { MeteredBazaar } from "./metered-bazaar.ts";
import type { TestProvider } from "./provider.ts";
import { newTenant, send, settle } from "./usage.ts";

/** A tenant whose usage is billed from now on. */
export async function subscriber(shop: TestProvider, more = {}): Promise<string> {
  const made = await newTenant(shop);
  await shop.billTo(
    { tenant: made },
    { billingReference: made, lot: "here", pace: "ours", bills: "all", from: shop.clock.now(), ...more },
  );
  return made;
}

export const use = (shop: TestProvider, tenant: string, quantity: number | string = 1, more = {}) =>
  send(shop, { id: randomUUID(), tenant, dimension: "requests", quantity, ...more });

/** The running hour ends and is sealed. */
export async function endHour(shop: TestProvider): Promise<void> {
  shop.clock.advance(HOUR + 11 * MINUTE - (shop.clock.now().getTime() % HOUR));
  await settle(shop);
}

export async function sealed(shop: TestProvider, tenant: string, quantity = 7): Promise<void> {
  await use(shop, tenant, quantity);
  await endHour(shop);
}

/** `units state verdict attempts/definite` of the tenant's records. */
export async function stateOf(shop: TestProvider, tenant: string): Promise<string[]> {
  const rows = await shop.look<{ line: string }>(
    `select concat_ws(' ', units, state, verdict, attempts || '/' || definite) as line from usage_records
     where tenant_id = $1 order by hour, dimension`,
    [tenant],
  );
  return rows.map(({ line }) => line);
}

/** Nothing was offended against, and whatever a test left behind is over before the next one begins. */
export async function endReports(shop: TestProvider, bazaar: MeteredBazaar): Promise<void> {
  expect(bazaar.offences).toEqual([]);
  bazaar.repeats = "billed";
  bazaar.otherwise = () => "taken";
  bazaar.refused.clear();
  shop.clock.advance(30 * HOUR);
  await settle(shop);
}
