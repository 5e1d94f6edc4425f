import type { Tx } from "../../db/db.ts";
import type { Fault } from "../../errors.ts";
import { SCHEMA_OF_TENANT } from "../databases/databases.ts";
import { lintAmongTenants } from "../lints/lints.ts";
import { poolNames } from "./names.ts";
import { planPool } from "./plan.ts";

interface Walled {
  readonly oid: number;
  readonly name: string;
  readonly column: number;
  readonly columnName: string;
  readonly vendors: readonly string[];
}

/**
 * Everything in the tenants' database that would let one tenant see, feel or touch another: walls that are no more as
 * they were made, tables with the same column and no wall, and what roles of tenants reach beside them.
 */
export async function checkPool(query: Tx["query"], environment: string): Promise<readonly Fault[]> {
  // Then every name comes with its schema.
  await query("set local search_path = ''");
  const walled = await findWalled(query, environment);
  const faults: Fault[] = [];
  for (const { name, columnName, vendors } of walled) {
    const plan = await planPool(query, { environment, table: name, column: columnName, vendors, excused: [] });
    faults.push(...plan.faults);
    if (plan.statements.length > 0) faults.push({ at: plan.table, message: mending(plan.statements) });
  }
  const open = await findOpen(query, walled);
  const kept = walled.map(({ oid, column }) => ({ oid, column }));
  const lints = await lintAmongTenants(query, {
    environment,
    tables: kept,
    excused: [],
    kinds: ["database"],
    except: [],
  });
  return [...faults, ...open, ...lints.map(({ at, message }) => ({ at, message }))];
}

function mending(statements: readonly string[]): string {
  return `is not as it was put under the wall; \`stallholder isolate pool\` would run: ${statements.join("; ")}`;
}

/** The column that a policy reads is written down as a dependency of it. */
function findWalled(query: Tx["query"], environment: string): Promise<Walled[]> {
  const names = poolNames(environment);
  return query<Walled>(
    `select distinct c.oid, c.oid::regclass::text as name, a.attnum as "column", a.attname as "columnName",
       array(select pg_get_userbyid(r)::text from pg_policy v, unnest(v.polroles) r
             where v.polrelid = c.oid and v.polname = $2 and r <> 0) as vendors
     from pg_policy p join pg_class c on c.oid = p.polrelid and not c.relispartition
     join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_class'::regclass
       and d.refobjid = c.oid and d.refobjsubid > 0
     join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
     where p.polname = $1 order by 2`,
    [names.wall, names.vendor],
  );
}

/** Tables that name the tenant as the walled ones do, and have no wall. */
function findOpen(query: Tx["query"], walled: readonly Walled[]): Promise<Fault[]> {
  return query<Fault>(
    `select c.oid::regclass::text as at,
       format('holds %I and is not under the wall: stallholder isolate pool %s --tenant-column %I', a.attname, c.oid::regclass, a.attname)
         as message
     from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid and not a.attisdropped
     where c.relkind in ('r', 'p', 'f') and not c.relispartition and a.attname = any($1) and c.oid <> all($2::oid[])
       and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and n.nspname !~ $3 order by 1`,
    [
      [...new Set(["tenant_id", ...walled.map(({ columnName }) => columnName)])],
      walled.map(({ oid }) => oid),
      SCHEMA_OF_TENANT,
    ],
  );
}
