import { randomBytes } from "node:crypto";
import pg from "pg";
import { closeProviders, purchase, type TestProvider, testProvider } from "./provider.ts";
import { type TenantsServer, tenantsServer } from "./tenants-server.ts";

/** A customer's way in. */
export interface Login {
  readonly role: string;
  readonly url: string;
}

/** A purchase, with what its config vars hold. */
export interface Customer extends Login {
  readonly id: string;
}

/** The tenants' database with two customers of the pool, and the vendor's own role beside them. */
export interface TenantServer {
  readonly server: TenantsServer;
  readonly shop: TestProvider;
  readonly environment: string;
  readonly a: Customer;
  readonly b: Customer;
  /** Makes tables in the shared database, and names the tenant in each transaction. */
  readonly vendor: Login;
  buy(plan: "basic" | "standard" | "premium"): Promise<Customer>;
  /** A login of this tenant that may only read. */
  reader(tenant: string): Promise<Login>;
  drop(): Promise<void>;
}

const URL_VAR = "ACME_STORAGE_DATABASE_URL";

export async function tenantServer(): Promise<TenantServer> {
  const server = await tenantsServer();
  const shop = await testProvider({ tenants: server });
  const { environment } = server;
  const urlOf = (role: string): string =>
    Object.assign(new URL(server.superuserUrl), { username: role, password: "x" }).href;

  const buy = async (plan: string): Promise<Customer> => {
    const bought = await shop.provision(purchase({ plan }));
    const url = bought.value.config[URL_VAR];
    if (bought.kind !== "done" || url === undefined) throw new Error("It is not ready at once.");
    return { id: bought.value.tenant.id, role: new URL(url).username, url };
  };
  const [a, b] = [await buy("basic"), await buy("basic")];
  const vendor = `${environment}_shop`;
  await server.look(
    `create role ${vendor} login password 'x'; grant connect on database ${server.shared} to ${vendor};
     grant usage, create on schema public to ${vendor};
     grant ${vendor} to ${new URL(server.url).username}`,
  );
  return {
    ...{ server, shop, environment, a, b, vendor: { role: vendor, url: urlOf(vendor) }, buy },
    reader: async (tenant) => {
      const role = `${environment}_${tenant}_${suffix()}`;
      const acts = `${environment}_${tenant}_ro`;
      await server.look(
        `create role ${role} login password 'x' in role ${acts}; alter role ${role} set role = ${acts};
         alter role ${role} set default_transaction_read_only = on`,
      );
      return { role, url: urlOf(role) };
    },
    drop: async () => {
      await closeProviders();
      await server.drop();
    },
  };
}

const suffix = (): string =>
  Array.from(randomBytes(6), (byte) => "abcdefghijklmnopqrstuvwxyz234567".charAt(byte % 32)).join("");

export async function open(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** The first column of what a query answers. */
export async function listed(client: pg.Client, sql: string): Promise<unknown[]> {
  const { rows } = await client.query<unknown[]>({ text: sql, rowMode: "array" });
  return rows.map(([first]) => first);
}
