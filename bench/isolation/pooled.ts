import { randomBytes } from "node:crypto";
import { connect } from "../../src/db/db.ts";
import { environmentNames, mintLogin, tenantNames } from "../../src/isolation/databases/names.ts";
import { isolateTable, onTenantsDatabase } from "../../src/isolation/pool/pool.ts";
import { type Comparison, compare, type Side } from "../comparison.ts";
import type { MeasuredDatabase, Query } from "../postgres.ts";
import type { Databases, Sizes, Trial } from "../trial.ts";

const CONNECTIONS = 4;
const ROWS_EACH = 10;
const LEAST = 0.9;

interface Pool {
  readonly database: MeasuredDatabase;
  readonly tenants: readonly string[];
  /** The product's role, which names the tenant in each transaction. */
  readonly vendorUrl: string;
  /** One customer's login for each connection. */
  readonly logins: readonly { readonly tenant: string; readonly url: string }[];
  /** Roles outlive their database. */
  forgetRoles(): Promise<void>;
}

/** The same question by a hand-written WHERE and behind the wall, in the same messages: by setting, and by login. */
export async function isolation(databases: Databases, { pooledTenants }: Sizes): Promise<readonly Trial[]> {
  const pool = await openPool(await databases.empty(), pooledTenants);
  const comparisons = [bySetting(pool), byLogin(pool)];
  return comparisons.map((comparison, n) => ({
    title: comparison.title,
    run: async (length, generator) => {
      try {
        return await compare(comparison, length, generator);
      } finally {
        if (n === comparisons.length - 1) await pool.forgetRoles();
      }
    },
  }));
}

function bySetting({ database, tenants, vendorUrl }: Pool): Comparison {
  const common = { database, connections: CONNECTIONS, login: vendorUrl, subjects: tenants };
  return comparisonOf(
    "isolation-by-setting",
    `Ten rows of one of ${tenants.length} tenants, the tenant being a setting`,
    [
      { ...common, name: "policy", direct: "policy-by-setting" },
      { ...common, name: "hand-written WHERE", direct: "where-after-setting" },
    ],
  );
}

/** Both sides ask about the same few tenants, whose pages are then as warm. */
function byLogin({ database, tenants, vendorUrl, logins }: Pool): Comparison {
  const common = { database, connections: logins.length };
  return comparisonOf(
    "isolation-by-login",
    `Ten rows of one of ${tenants.length} tenants, the tenant being the login`,
    [
      { ...common, name: "policy", direct: "policy-by-login", logins: logins.map(({ url }) => url) },
      {
        ...common,
        name: "hand-written WHERE",
        direct: "where",
        login: vendorUrl,
        subjects: logins.map(({ tenant }) => tenant),
      },
    ],
  );
}

function comparisonOf(name: string, title: string, sides: readonly Side[]): Comparison {
  const targets = [{ of: "policy", against: "hand-written WHERE", least: LEAST }];
  return { name, title, question: "event", connections: CONNECTIONS, sides, targets };
}

async function openPool(database: MeasuredDatabase, count: number): Promise<Pool> {
  const environment = `bench${randomBytes(4).toString("hex")}`;
  const vendor = `${environment}_shop`;
  const password = randomBytes(16).toString("hex");
  const urlOf = (username: string): string =>
    Object.assign(new URL(database.superuserUrl), { username, password }).href;
  await onTenantsDatabase(database.superuserUrl, environment, async () => undefined);
  const tenants = await database.session((query) => fill(query, vendor, password, count));
  await wall(database, environment);
  const logins = tenants.slice(0, CONNECTIONS).map((tenant) => ({ tenant, role: mintLogin(environment, tenant) }));
  await database.session(async (query) => {
    for (const { tenant, role } of logins) await makeLogin(query, environment, tenant, role, password);
    await query(`grant connect on database ${database.name} to ${vendor}`);
    await query("vacuum analyze notes, plain_notes");
  });
  return {
    database,
    tenants,
    vendorUrl: urlOf(vendor),
    logins: logins.map(({ tenant, role }) => ({ tenant, url: urlOf(role) })),
    forgetRoles: () => database.session((query) => forget(query, environment)),
  };
}

/** Two tables with the same rows; only one is put under the wall. */
async function fill(query: Query, vendor: string, password: string, count: number): Promise<readonly string[]> {
  await query(`create role ${vendor} login password '${password}'`);
  await query(`grant usage on schema public to ${vendor}`);
  await query(
    `create table notes (tenant_id text not null, id uuid not null, body text not null, at timestamptz not null)`,
  );
  await query(
    `with t as materialized (select chr(97 + floor(random() * 26)::int) || left(translate(md5(random()::text || i), '0189', 'ghij'), 25) as id
                             from generate_series(1, $1::int) i)
     insert into notes select t.id, gen_random_uuid(), repeat(md5(random()::text), 3), now() - n * interval '1 hour' * random()
     from generate_series(1, ${ROWS_EACH}) n, t`,
    [count],
  );
  await query("create table plain_notes as table notes");
  for (const table of ["notes", "plain_notes"]) {
    await query(`create index on ${table} (tenant_id, at)`);
    await query(`alter table ${table} owner to ${vendor}`);
  }
  const rows = await query<{ tenant: string }>("select distinct tenant_id as tenant from notes");
  return rows.map(({ tenant }) => tenant);
}

async function wall({ superuserUrl }: MeasuredDatabase, environment: string): Promise<void> {
  const admin = connect({ url: superuserUrl, connections: 1, statementMs: 600_000 });
  try {
    const request = { environment, table: "notes", column: "tenant_id", vendors: [], excused: [] };
    const { faults } = await isolateTable(admin, request, false);
    if (faults.length > 0) throw new Error(JSON.stringify(faults));
  } finally {
    await admin.close();
  }
}

async function makeLogin(query: Query, environment: string, tenant: string, role: string, password: string) {
  const { owner } = tenantNames(environment, tenant);
  await query(`create role ${owner} in role ${environmentNames(environment).tenants}`);
  await query(`create role ${role} login password '${password}' in role ${owner}`);
  await query(`alter role ${role} set role = ${owner}`);
}

async function forget(query: Query, environment: string): Promise<void> {
  const names = "select rolname as name from pg_roles where starts_with(rolname, $1)";
  const roles = await query<{ name: string }>(names, [`${environment}_`]);
  for (const { name } of roles) await query(`drop owned by ${name} cascade`);
  for (const { name } of roles) await query(`drop role ${name}`);
}
