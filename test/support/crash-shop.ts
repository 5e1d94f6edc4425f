import { connect } from "../../src/db/db.ts";
import { isolateTable } from "../../src/isolation/pool/pool.ts";
import type { Tenant } from "../../src/tenants/tenants.ts";
import { type Crashes, type CrashKind, crashes } from "./crash.ts";
import { buy } from "./database-shop.ts";
import { type TestProvider, testProvider } from "./provider.ts";
import { asCustomer, type TenantsServer, tenantsServer } from "./tenants-server.ts";

/** The other kind takes as long again: it belongs to `npm run test:long`. */
export const CRASHES: readonly CrashKind[] = process.env["DATABASE_CRASHES"] === "all" ? ["cut", "abandoned"] : ["cut"];

export const MODELS = { pool: "basic", bridge: "standard", silo: "premium" } as const;

const MOST_STATEMENTS = 40;

/** A shop whose way to the tenants' server breaks when it is told to; one table of the vendor's is under the wall. */
export interface CrashShop {
  readonly shop: TestProvider;
  readonly server: TenantsServer;
  readonly crash: Crashes;
  /** A purchase of this plan, with a row in the walled table where it can see it. */
  stocked(plan: string): Promise<{ readonly tenant: Tenant; readonly url: string }>;
  /** How many rows each tenant has in the walled table. */
  rows(): Promise<Readonly<Record<string, number>>>;
  /** Settles what is left; then the reconciler finds nothing that has no tenant, and no tenant that lacks anything. */
  nothingAstray(): Promise<void>;
}

export async function crashShop(kind: CrashKind): Promise<CrashShop> {
  const crash = crashes(kind);
  const server = await tenantsServer();
  const shop = await testProvider({ tenants: { ...server, through: crash.through }, budgets: { databases: 3_000 } });
  // The server is prepared by it: work that is abandoned in the middle of that would keep this process from ever doing it.
  await buy(shop, "basic");
  await wallTable(server);
  return {
    shop,
    server,
    crash,
    stocked: async (plan) => {
      const bought = await buy(shop, plan);
      if (plan === MODELS.pool) {
        await asCustomer(bought.url, (client) => client.query("insert into vendor.items (item) values ('kept')"));
      }
      return bought;
    },
    rows: async () => {
      const counted = await server.look<{ tenant_id: string; rows: number }>(
        "select tenant_id, count(*)::int as rows from vendor.items group by 1",
      );
      return Object.fromEntries(counted.map(({ tenant_id, rows }) => [tenant_id, rows]));
    },
    nothingAstray: async () => {
      await shop.rest();
      expect(await shop.deps.databases?.check(true)).toEqual([]);
    },
  };
}

async function wallTable({ environment, look, superuserUrl }: TenantsServer): Promise<void> {
  await look(`create role ${environment}_vendor nologin`);
  await look(`create schema vendor authorization ${environment}_vendor`);
  await look(`set role ${environment}_vendor; create table vendor.items (tenant_id text not null, item text)`);
  const admin = connect({ url: superuserUrl, connections: 1 });
  const request = { environment, table: "vendor.items", column: "tenant_id", vendors: [], excused: [] };
  expect((await isolateTable(admin, request, false)).faults).toEqual([]);
  await admin.close();
}

export async function closeCrashShop({ server }: CrashShop): Promise<void> {
  await server.look("drop schema vendor cascade");
  await server.drop();
}

/** Crashes after the first statement, after the second, … until the work has fewer; answers whom it happened to. */
export async function crashEverywhere(crash: Crashes, begin: () => Promise<() => Promise<Tenant>>) {
  const hit: { tenant: () => Promise<Tenant>; after: string }[] = [];
  for (let statement = 1; statement <= MOST_STATEMENTS; statement += 1) {
    const work = await begin();
    let result: Promise<Tenant> | undefined;
    const after = await crash.after(statement, () => {
      result = work();
      return result;
    });
    if (after === undefined) return hit;
    hit.push({ after, tenant: () => result ?? Promise.reject(new Error("It did not begin.")) });
  }
  throw new Error("It never came to its end.");
}
