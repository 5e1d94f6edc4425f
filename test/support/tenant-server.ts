import { randomBytes } from "node:crypto";
import pg from "pg";
import { withClient } from "../../src/db/embedded/roles.ts";
import { mintTenantId } from "../../src/tenants/tenants.ts";
import { onDatabase, ownDatabase } from "./cluster.ts";

/** A database for tenants, with two of them in it, as the service prepares one. */
export interface TenantServer {
  readonly environment: string;
  readonly database: string;
  readonly superuserUrl: string;
  /** The login that makes what tenants get: no superuser. */
  readonly adminUrl: string;
  readonly a: ServedTenant;
  readonly b: ServedTenant;
  /** The vendor's own role, which names the tenant in each transaction. */
  readonly vendor: string;
  readonly vendorUrl: string;
  /** Another login of the same tenant. */
  login(tenant: string, kind?: "full" | "read"): Promise<Login>;
  drop(): Promise<void>;
}

export interface Login {
  readonly role: string;
  readonly url: string;
}

interface ServedTenant extends Login {
  readonly id: string;
  readonly reader: Login;
}

/** Makes it by hand, in the names that docs/isolation.md gives. */
export async function tenantServer(): Promise<TenantServer> {
  const home = await ownDatabase();
  const environment = `t${randomBytes(4).toString("hex")}`;
  const database = `tenants_${environment}`;
  const [admin, vendor] = [`${environment}_admin`, `${environment}_shop`];
  const groups = [`${environment}_tenants`, `${environment}_tenants_read`] as const;
  const superuserUrl = onDatabase(home.superuserUrl, database);
  const urlOf = (role: string): string => Object.assign(new URL(superuserUrl), { username: role, password: "x" }).href;
  const asSuperuser = <T>(work: (client: pg.Client) => Promise<T>): Promise<T> => withClient(superuserUrl, work);

  await withClient(home.superuserUrl, async (client) => {
    await client.query(`create role ${admin} login createrole createdb password 'x'`);
    await client.query(`create role ${vendor} login password 'x'`);
    for (const group of groups) await client.query(`create role ${group}`);
    await client.query(`create database ${database} owner ${admin}`);
    await client.query(`revoke all on database ${database} from public`);
    await client.query(`grant connect on database ${database} to ${vendor}, ${groups.join(", ")}`);
    await client.query(`grant ${vendor} to ${admin}`);
  });
  await asSuperuser(async (client) => {
    await client.query(preparation(environment, admin, vendor, groups));
  });

  const login = async (tenant: string, kind: "full" | "read" = "full"): Promise<Login> => {
    const owner = `${environment}_${tenant}${kind === "read" ? "_ro" : ""}`;
    const role = `${environment}_${tenant}_${suffix()}`;
    await asSuperuser((client) =>
      client.query(`create role ${role} login password 'x' connection limit 10 in role ${owner};
                    alter role ${role} set role = ${owner}`),
    );
    return { role, url: urlOf(role) };
  };
  const tenant = async (): Promise<ServedTenant> => {
    const id = mintTenantId();
    const owner = `${environment}_${id}`;
    await asSuperuser((client) =>
      client.query(`create role ${owner} in role ${groups[0]}; create role ${owner}_ro in role ${groups[1]}`),
    );
    return { id, ...(await login(id)), reader: await login(id, "read") };
  };
  return {
    ...{ environment, database, superuserUrl, adminUrl: urlOf(admin), vendor, vendorUrl: urlOf(vendor), login },
    a: await tenant(),
    b: await tenant(),
    drop: async () => {
      await withClient(home.superuserUrl, async (client) => {
        await client.query(`drop database ${database} with (force)`);
        const roles = "select rolname from pg_roles where starts_with(rolname, $1)";
        const { rows } = await client.query<{ rolname: string }>(roles, [`${environment}_`]);
        for (const { rolname } of rows) await client.query(`drop role ${pg.escapeIdentifier(rolname)}`);
      });
      await home.drop();
    },
  };
}

function preparation(env: string, admin: string, vendor: string, groups: readonly string[]): string {
  return `
    revoke all on schema public from public;
    grant usage, create on schema public to ${vendor}, ${admin};
    create schema ${env}_stallholder authorization ${admin};
    grant usage on schema ${env}_stallholder to ${groups.join(", ")};
    create function ${env}_stallholder.tenant() returns text language sql stable parallel safe as $$
      select substring(session_user::text collate "default" from '^${env}_([a-z][a-z2-7]{25})_[a-z2-7]{6}$') $$;
    alter function ${env}_stallholder.tenant() owner to ${admin};
    revoke all on function ${env}_stallholder.tenant() from public;
    grant execute on function ${env}_stallholder.tenant() to ${groups.join(", ")};`;
}

const suffix = (): string =>
  Array.from(randomBytes(6), (byte) => "abcdefghijklmnopqrstuvwxyz234567"[byte % 32]).join("");
