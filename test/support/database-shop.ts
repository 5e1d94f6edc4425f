import { about, purchase, type TestProvider } from "./provider.ts";
import { asCustomer } from "./tenants-server.ts";

export const URL_VAR = "ACME_STORAGE_DATABASE_URL";

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** A purchase that is ready, with the customer's address of its database. A busy machine may take a second go at it. */
export async function buy(shop: TestProvider, plan: string) {
  const bought = await shop.provision(purchase({ plan }));
  const { tenant } = bought.value;
  if (bought.kind !== "done") await shop.rest();
  return { tenant, url: await urlOf(shop, tenant) };
}

export async function urlOf(shop: TestProvider, tenant: { readonly id: string }): Promise<string> {
  return (await shop.configVars(tenant.id))[URL_VAR] ?? "";
}

/** The first column of the first row, as the customer reads it. */
export function one(url: string, sql: string): Promise<unknown> {
  return asCustomer(url, async (client) => Object.values((await client.query(sql)).rows[0] ?? {})[0]);
}

/** What our own database knows of the tenant's. */
export async function rowOf(shop: TestProvider, tenant: { readonly id: string }) {
  const [row] = await shop.look<{
    state: string;
    model: string;
    wanted: string;
    fault: string | null;
    due_at: Date | null;
  }>("select state, model, wanted, fault, due_at from tenant_databases where tenant_id = $1", [tenant.id]);
  return row;
}

export const rotate = (shop: TestProvider, tenant: { readonly id: string }, overlapSeconds: number) =>
  shop.rotateCredentials({ ...about(tenant), kind: "postgres", overlapSeconds });
