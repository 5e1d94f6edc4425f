import type { Tx } from "../../db/db.ts";
import type { Fault } from "../../errors.ts";
import { databaseRules } from "./database-rules.ts";
import { given, type Rule } from "./rule.ts";
import { tableRules } from "./table-rules.ts";

export type Query = Tx["query"];

/** A table of tenants' rows, and the number of the column that says whose a row is. */
export interface TenantTable {
  readonly oid: number;
  readonly column: number;
}

/** What is looked at. */
export interface Scope {
  readonly tables: readonly TenantTable[];
  /** Roles that are to be kept within one tenant, with every role they are members of; 0 is PUBLIC. */
  readonly roles: readonly number[];
  /** Schemas whose objects are not ours to judge: those of single tenants. */
  readonly foreignSchemas?: readonly number[];
  /** Names of unique indexes and foreign keys that may reach over tenants, because nobody can guess their values. */
  readonly excused?: readonly string[];
}

export type Kind = keyof typeof rules;

/** A fault of the catalogue: which object, what about it, and what to do. */
export interface LintFinding extends Fault {
  readonly rule: string;
}

const rules = { table: tableRules, database: databaseRules } as const;

/**
 * Reads the catalogue and tells what would let one tenant see, feel or touch another; empty when nothing would.
 * `table` rules judge the tables of the scope and what leads to them, `database` rules all else in the database.
 */
export async function lint(
  query: Query,
  scope: Scope,
  { kinds = ["table", "database"], except = [] }: LintOptions = {},
): Promise<readonly LintFinding[]> {
  const findings: LintFinding[] = [];
  const values = [
    scope.tables.map(({ oid }) => oid),
    scope.tables.map(({ column }) => column),
    scope.roles,
    scope.excused ?? [],
    scope.foreignSchemas ?? [],
  ];
  for (const { name, sql } of kinds.flatMap((kind): readonly Rule[] => rules[kind])) {
    if (except.includes(name)) continue;
    const found = await query<Fault>(`${given} ${sql} order by 1, 2`, values);
    findings.push(...found.map(({ at, message }) => ({ rule: name, at, message })));
  }
  return findings;
}

export interface LintOptions {
  readonly kinds?: readonly Kind[];
  /** Rules that do not apply here. */
  readonly except?: readonly string[];
}
