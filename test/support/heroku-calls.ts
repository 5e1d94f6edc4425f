import { randomUUID } from "node:crypto";
import { buy, grant, type HerokuShop } from "./heroku.ts";

export type Bought = { uuid: string; id: string };

export const OAUTH = "POST /oauth/token";

export const config = ({ uuid }: Bought) => `PATCH /addons/${uuid}/config`;
export const finish = ({ uuid }: Bought) => `POST /addons/${uuid}/actions/provision`;
export const bearers = (shop: HerokuShop, request: string) =>
  shop.heroku.to(request).map(({ headers }) => headers.authorization);
export const withGrant = (shop: HerokuShop, wanted: object = {}) =>
  buy(shop, { oauth_grant: grant(shop, randomUUID()), ...wanted });
export const rotate = (shop: HerokuShop, bought: Bought) =>
  shop.provider.rotateCredentials({ ref: { tenant: bought.id }, by: "operator:1", at: shop.provider.clock.now() });

interface Row {
  readonly kind: string;
  readonly state: string;
  readonly attempts: number;
  readonly last_fault: string | null;
}

/** The tenant's newest call of this kind. */
export async function call(shop: HerokuShop, bought: Bought, kind: string): Promise<Row | undefined> {
  const [row] = await shop.provider.look<Row>(
    "select kind, state, attempts, last_fault from owed_calls where tenant_id = $1 and kind = $2 order by sequence desc limit 1",
    [bought.id, kind],
  );
  return row;
}

export const grants = (shop: HerokuShop, bought: Bought) =>
  shop.provider.look<{ state: string; text: string }>(
    "select state, g::text as text from heroku_grants g where tenant_id = $1",
    [bought.id],
  );

export async function workAfter(shop: HerokuShop, ms: number): Promise<void> {
  shop.provider.clock.advance(ms);
  await shop.provider.work();
}
