import type { Tx } from "../../db/db.ts";
import type { Fault } from "../../errors.ts";
import { lintAmongTenants } from "../lints/lints.ts";
import { serverFaults, tableFaults, vendorFaults, vendorsOf } from "./checks.ts";
import { poolNames } from "./names.ts";
import { grants, policiesFor, remember, secure, setDefault } from "./policies.ts";
import { findTable, readTable } from "./table.ts";

export interface PoolRequest {
  readonly environment: string;
  /** As SQL writes it, with or without its schema. */
  readonly table: string;
  readonly column: string;
  /** The vendor's own roles, which name the tenant in each transaction; none means the table's owner. */
  readonly vendors: readonly string[];
  /** Unique indexes and foreign keys that may do without the tenant column, because nobody can guess their values. */
  readonly excused: readonly string[];
}

export interface PoolPlan {
  /** With its schema. */
  readonly table: string;
  /** What is to be run, or was; none when all is as it should be. */
  readonly statements: readonly string[];
  /** Why it cannot be: then nothing is run. */
  readonly faults: readonly Fault[];
}

/** What the command sets right by itself. */
const MENDED = ["not-walled", "true-policy"];

/** What is missing of the wall around a table, or why there can be none. Changes nothing but the transaction's search path. */
export async function planPool(query: Tx["query"], request: PoolRequest): Promise<PoolPlan> {
  const names = poolNames(request.environment);
  const found = await findTable(query, request.table, request.column);
  const unready = await serverFaults(query, names);
  const strange = await vendorFaults(query, names, request.vendors);
  if (!("oid" in found)) return { table: request.table, statements: [], faults: [...found, ...unready, ...strange] };
  if (unready.length > 0) return { table: found.name, statements: [], faults: [...unready, ...strange] };
  // What the catalogue answers names every schema, so that it can be compared.
  await query("set local search_path = ''");
  const table = await readTable(query, names, found.oid, found.column);
  const excused = [...new Set([...table.excused, ...request.excused])].sort();
  const vendors = await vendorsOf(query, request.vendors, table, names);
  const relations = [table, ...table.partitions];
  const lints = await lintAmongTenants(query, {
    environment: request.environment,
    tables: relations.map(({ oid }) => ({ oid, column: found.column })),
    excused,
    kinds: ["table"],
    except: MENDED,
  });
  const faults = [
    ...strange,
    ...lints.map(({ at, message }) => ({ at, message })),
    ...(await tableFaults(query, table, names)),
  ];
  const policies = policiesFor(
    table,
    names,
    vendors.map(({ name }) => name),
  );
  const statements = [
    ...relations.flatMap((relation) => secure(relation, policies)),
    ...setDefault(table, names),
    ...(table.indexed ? [] : [`create index on ${table.name} (${table.columnName})`]),
    ...grants(table, names, vendors),
    ...remember(table, names, excused),
  ];
  return { table: table.name, statements: faults.length === 0 ? statements : [], faults };
}
