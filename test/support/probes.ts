import pg from "pg";
import { forOwners, type Result, type TableProbe, tableProbes } from "./table-probes.ts";
import type { Tenants, WalledTable } from "./walled-table.ts";

interface Who {
  readonly role?: string;
  readonly owns?: boolean;
  /** Only the probes of this number. */
  readonly n?: number;
}

/** Runs every probe on every table, each in a transaction that is rolled back; answers what went wrong, in words. */
export async function probe(
  client: pg.Client,
  tables: readonly WalledTable[],
  tenants: Tenants,
  who: Who = {},
): Promise<string[]> {
  const faults: string[] = [];
  for (const table of tables) {
    for (const one of chosen(who)) {
      const result = await outcome(client, one, table, tenants, who.role);
      const mustGive = typeof one.mustGive === "function" ? one.mustGive(table) : one.mustGive;
      if (!mustGive.includes(result)) faults.push(`${one.what} on ${table.name} gave ${result}`);
    }
  }
  return faults;
}

const chosen = ({ owns, n }: Who): readonly TableProbe[] =>
  tableProbes.filter((one) => (!owns || !forOwners.has(one.what)) && (n === undefined || one.n === n));

async function outcome(
  client: pg.Client,
  one: TableProbe,
  table: WalledTable,
  tenants: Tenants,
  role?: string,
): Promise<Result> {
  const tenant = one.as === "a" ? tenants.a : one.as?.(tenants);
  const takeRole = role === undefined ? "" : `set local role ${role};`;
  const enter = tenant === undefined ? "" : `select set_config('app.tenant_id', '${tenant}', true);`;
  try {
    if (one.afterB)
      await client.query(`begin; ${takeRole} select set_config('app.tenant_id', '${tenants.b}', true); commit`);
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
  const tables = await walledTables(superuser, tenants);
  for (const table of tables) {
    for (const tenant of Object.values(tenants)) await plantRow(superuser, table, tenant);
  }
  await superuser.query("set session_replication_role = default; analyze");
  return walledTables(superuser, tenants);
}

/** Every table that holds rows of tenants: its tenant column is the one that its policy reads. */
export async function walledTables(client: pg.Client, { b }: Tenants): Promise<readonly WalledTable[]> {
  const { rows } = await client.query<Omit<WalledTable, "theirs">>(
    `select distinct on (1) c.relname as name, a.attname as "tenantColumn",
       array(select k.attname::text from pg_index i join pg_attribute k on k.attrelid = c.oid and k.attnum = any(i.indkey)
             where i.indrelid = c.oid and i.indisprimary) as keys,
       exists (select from pg_index i where i.indrelid = c.oid and i.indisunique and not a.attnum = any(i.indkey)) as unique
     from pg_class c join pg_attribute a on a.attrelid = c.oid
     join pg_policy p on p.polrelid = c.oid and p.polname = 'tenant'
     join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refobjid = c.oid
       and d.refclassid = 'pg_class'::regclass and d.refobjsubid = a.attnum
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') order by 1`,
  );
  const tables: WalledTable[] = [];
  for (const table of rows) {
    const sql = `select to_jsonb(t) as row from ${table.name} t where ${table.tenantColumn} = $1`;
    tables.push({ ...table, theirs: (await client.query(sql, [b])).rows[0]?.row ?? {} });
  }
  return tables;
}

async function plantRow(
  superuser: pg.Client,
  table: Pick<WalledTable, "name" | "tenantColumn">,
  tenant: string,
): Promise<void> {
  const { rows } = await superuser.query<{ name: string; type: string }>(
    "select column_name as name, data_type as type from information_schema.columns where table_schema = 'public' and table_name = $1",
    [table.name],
  );
  const made = Object.fromEntries(rows.map(({ name, type }) => [name, madeUp(type)]));
  await superuser.query(`insert into ${table.name} select * from jsonb_populate_record(null::${table.name}, $1)`, [
    JSON.stringify({ ...made, [table.tenantColumn]: tenant }),
  ]);
}

let made = 0;

/** Never the same twice, but for the day. */
function madeUp(type: string): unknown {
  made += 1;
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
      return made;
    case "ARRAY":
      return [];
    case "timestamp with time zone":
      return new Date(Date.UTC(2026, 2, 1, 12) + made).toISOString();
    default:
      return `secret ${crypto.randomUUID()}`;
  }
}
