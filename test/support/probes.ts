import pg from "pg";

/** A table with rows of tenants a and b in it, and the column that says whose a row is. */
export interface WalledTable {
  readonly name: string;
  readonly tenantColumn: string;
}

export interface Tenants {
  readonly a: string;
  readonly b: string;
}

/** What a probe came to: a count of rows, or PostgreSQL's code. */
type Result = number | string;

interface Probe {
  readonly what: string;
  /** Whose scope; null for none. */
  readonly as: "a" | null | ((tenants: Tenants) => string);
  readonly sql: (table: WalledTable, tenants: Tenants) => string;
  readonly mustGive: readonly Result[];
}

const DENIED = "42501";

const mine = (t: WalledTable, { a }: Tenants) => `${t.tenantColumn} = '${a}'`;
const theirs = (t: WalledTable, { b }: Tenants) => `${t.tenantColumn} = '${b}'`;
const count = (t: WalledTable) => `select count(*)::int as count from ${t.name}`;
const copied = (t: WalledTable, { b }: Tenants) =>
  `insert into ${t.name} select (jsonb_populate_record(x, jsonb_build_object('${t.tenantColumn}', '${b}'))).* from ${t.name} x`;

/** Each is run against every table with a tenant's rows in it. */
const probes: readonly Probe[] = [
  { what: "count without a tenant", as: null, sql: count, mustGive: [0] },
  { what: "count with an empty tenant", as: () => "", sql: count, mustGive: [0] },
  { what: "count with an unknown tenant", as: () => "z".repeat(26), sql: count, mustGive: [0] },
  { what: "count with a tenant in capitals", as: ({ a }) => a.toUpperCase(), sql: count, mustGive: [0] },
  { what: "count with a space behind the tenant", as: ({ a }) => `${a} `, sql: count, mustGive: [0] },
  { what: "count own rows", as: "a", sql: (t, w) => `${count(t)} where ${mine(t, w)}`, mustGive: [1] },
  { what: "count all rows", as: "a", sql: count, mustGive: [1] },
  { what: "read theirs by key", as: "a", sql: (t, w) => `${count(t)} where ${theirs(t, w)}`, mustGive: [0] },
  {
    what: "lock theirs",
    as: "a",
    sql: (t, w) => `select from ${t.name} where ${theirs(t, w)} for update nowait`,
    mustGive: [0, DENIED],
  },
  { what: "update theirs", as: "a", sql: (t, w) => setTo(t, w.b, theirs(t, w)), mustGive: [0, DENIED] },
  {
    what: "delete theirs",
    as: "a",
    sql: (t, w) => `delete from ${t.name} where ${theirs(t, w)}`,
    mustGive: [0, DENIED],
  },
  { what: "insert as theirs", as: "a", sql: copied, mustGive: [DENIED] },
  {
    what: "insert over theirs",
    as: "a",
    sql: (t, w) => `${copied(t, w)} on conflict do nothing`,
    mustGive: [DENIED],
  },
  { what: "hand own over", as: "a", sql: (t, w) => setTo(t, w.b, mine(t, w)), mustGive: [DENIED] },
  {
    what: "merge into theirs",
    as: "a",
    sql: (t, w) => `merge into ${t.name} t using (select '${w.b}' as b) s on t.${t.tenantColumn} = s.b
                    when matched then update set ${t.tenantColumn} = '${w.a}'`,
    mustGive: [0, DENIED],
  },
  {
    what: "an error over their values",
    as: "a",
    sql: (t, w) => `select 1 / (case when ${theirs(t, w)} then 0 else 1 end) from ${t.name}`,
    mustGive: [1],
  },
  { what: "copy in", as: "a", sql: (t) => `copy ${t.name} from stdin`, mustGive: ["0A000", DENIED] },
  { what: "truncate", as: "a", sql: (t) => `truncate ${t.name} cascade`, mustGive: [DENIED] },
  { what: "row_security off", as: "a", sql: (t) => `set local row_security = off; ${count(t)}`, mustGive: [DENIED] },
  {
    what: "disable the wall",
    as: "a",
    sql: (t) => `alter table ${t.name} disable row level security`,
    mustGive: [DENIED],
  },
  { what: "drop the policy", as: "a", sql: (t) => `drop policy tenant on ${t.name}`, mustGive: [DENIED] },
  { what: "add a policy", as: "a", sql: (t) => `create policy mine on ${t.name} using (true)`, mustGive: [DENIED] },
  {
    what: "their statistics",
    as: "a",
    sql: (t) => `select count(*)::int as count from pg_stats where tablename = '${t.name}'`,
    mustGive: [0],
  },
  {
    what: "a plan made for another tenant",
    as: ({ b }) => b,
    sql: (t, w) => `set local plan_cache_mode = force_generic_plan; prepare probe as ${count(t)};
                    execute probe; select set_config('app.tenant_id', '${w.a}', true); execute probe; deallocate probe`,
    mustGive: [1],
  },
];

/** What the owner of the tables is free to do, wherever it serves. */
const FOR_OWNERS = new Set(["truncate", "disable the wall", "drop the policy", "add a policy", "their statistics"]);

function setTo(t: WalledTable, tenant: string, where: string): string {
  return `update ${t.name} set ${t.tenantColumn} = '${tenant}' where ${where}`;
}

/** Runs every probe on every table, each in a transaction that is rolled back; answers what went wrong, in words. */
export async function probe(
  client: pg.Client,
  tables: readonly WalledTable[],
  tenants: Tenants,
  who: { readonly role?: string; readonly owns?: boolean } = {},
): Promise<string[]> {
  const faults: string[] = [];
  for (const table of tables) {
    for (const one of probes.filter(({ what }) => !who.owns || !FOR_OWNERS.has(what))) {
      const result = await outcome(client, one, table, tenants, who.role);
      if (!one.mustGive.includes(result)) faults.push(`${one.what} on ${table.name} gave ${result}`);
    }
  }
  return faults;
}

async function outcome(
  client: pg.Client,
  one: Probe,
  table: WalledTable,
  tenants: Tenants,
  role?: string,
): Promise<Result> {
  const tenant = one.as === "a" ? tenants.a : one.as?.(tenants);
  const takeRole = role === undefined ? "" : `set local role ${role};`;
  const enter = tenant === undefined ? "" : `select set_config('app.tenant_id', '${tenant}', true);`;
  try {
    await client.query(`begin; ${takeRole} ${enter}`);
    return counted(await client.query(one.sql(table, tenants)));
  } catch (fault) {
    if (fault instanceof pg.DatabaseError) return String(fault.code);
    throw fault;
  } finally {
    await client.query("rollback");
  }
}

/** The count that a statement (or the last counting one of several) answered, else how many rows it touched. */
function counted(answer: pg.QueryResult | pg.QueryResult[]): number {
  const results = [answer].flat();
  const count = results.flatMap((result) => result.rows).findLast((row) => "count" in row);
  return count?.count ?? results.at(-1)?.rowCount ?? 0;
}

/**
 * One row of `tenant` in each table, made up from the types of its columns; for a database of its own, because the
 * checks that would refuse made-up values are dropped first. Answers the tables.
 */
export async function plantRows(superuser: pg.Client, tenants: Tenants): Promise<readonly WalledTable[]> {
  await superuser.query("set session_replication_role = replica");
  const { rows: checks } = await superuser.query<{ drop: string }>(
    `select format('alter table %s drop constraint %I', conrelid::regclass, conname) as drop from pg_constraint
     where contype = 'c' and connamespace = 'public'::regnamespace`,
  );
  for (const check of checks) await superuser.query(check.drop);
  await superuser.query("select make_usage_days(array[date '2026-03-01'])");
  const tables = await walledTables(superuser);
  for (const table of tables) {
    for (const tenant of Object.values(tenants)) await plantRow(superuser, table, tenant);
  }
  await superuser.query("set session_replication_role = default; analyze");
  return tables;
}

/** Every table that holds rows of tenants. */
export async function walledTables(client: pg.Client): Promise<readonly WalledTable[]> {
  const { rows } = await client.query<{ name: string; column: string }>(
    `select c.relname as name, a.attname as column from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not a.attisdropped
       and (a.attname in ('tenant_id', 'chain') or (c.relname = 'tenants' and a.attname = 'id')) order by 1`,
  );
  return rows.map(({ name, column }) => ({ name, tenantColumn: column }));
}

async function plantRow(superuser: pg.Client, table: WalledTable, tenant: string): Promise<void> {
  const { rows } = await superuser.query<{ name: string; type: string }>(
    "select column_name as name, data_type as type from information_schema.columns where table_schema = 'public' and table_name = $1",
    [table.name],
  );
  const made = Object.fromEntries(rows.map(({ name, type }) => [name, madeUp(type)]));
  await superuser.query(`insert into ${table.name} select * from jsonb_populate_record(null::${table.name}, $1)`, [
    JSON.stringify({ ...made, [table.tenantColumn]: tenant }),
  ]);
}

function madeUp(type: string): unknown {
  switch (type) {
    case "uuid":
      return crypto.randomUUID();
    case "jsonb":
      return {};
    case "boolean":
      return false;
    case "integer":
    case "bigint":
    case "numeric":
      return 1;
    case "ARRAY":
      return [];
    case "timestamp with time zone":
      return "2026-03-01T12:00:00Z";
    default:
      return `secret ${crypto.randomUUID()}`;
  }
}
