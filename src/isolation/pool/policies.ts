import type { Vendor } from "./checks.ts";
import type { PoolNames } from "./names.ts";
import type { KnownPolicy, PooledTable, Relation } from "./table.ts";

const SETTING = "NULLIF(current_setting('app.tenant_id'::text, true), ''::text)";
const words: Readonly<Record<string, string>> = { "*": "all", r: "select" };

/** The tenant of whoever asks: of its login, whatever it sets, or else the one the vendor's transaction has set. */
function whoAsks({ schema }: PoolNames): string {
  return `COALESCE(${schema}.tenant(), ${SETTING})`;
}

/** A query of its own is answered once for a statement instead of for each row. */
const once = (expression: string, name: string): string => `( SELECT ${expression} AS ${name})`;

/**
 * One restrictive wall for everybody, and a permissive policy for each kind of role. Expressions are written as the
 * catalogue gives them back, so that what is there can be compared with what should be.
 */
export function policiesFor(
  { columnText }: PooledTable,
  names: PoolNames,
  vendors: readonly string[],
): readonly KnownPolicy[] {
  const wall = `(${columnText} = ${once(whoAsks(names), '"coalesce"')})`;
  const own = `(${columnText} = ${once(`${names.schema}.tenant()`, "tenant")})`;
  const set = `(${columnText} = ${once(SETTING, '"nullif"')})`;
  const all = { permissive: true, command: "*" };
  return [
    { name: names.wall, permissive: false, command: "*", roles: ["public"], using: wall, check: wall },
    { name: names.tenants, ...all, roles: [names.tenants], using: own, check: own },
    { name: names.readers, permissive: true, command: "r", roles: [names.readers], using: own, check: null },
    { name: names.vendor, ...all, roles: vendors, using: set, check: set },
  ];
}

/** The statements that make this relation's security so. */
export function secure(relation: Relation, wanted: readonly KnownPolicy[]): readonly string[] {
  const statements: string[] = [];
  if (!relation.enabled) statements.push(`alter table ${relation.name} enable row level security`);
  if (!relation.forced) statements.push(`alter table ${relation.name} force row level security`);
  for (const policy of wanted) {
    const known = relation.policies.find(({ name }) => name === policy.name);
    if (known !== undefined && equal(known, policy)) continue;
    if (known !== undefined) statements.push(`drop policy ${policy.name} on ${relation.name}`);
    statements.push(create(policy, relation.name));
  }
  return statements;
}

const equal = (one: KnownPolicy, other: KnownPolicy): boolean => textOf(one) === textOf(other);

const textOf = ({ name, permissive, command, roles, using, check }: KnownPolicy): string =>
  JSON.stringify([name, permissive, command, roles.toSorted(), using, check]);

function create({ name, permissive, command, roles, using, check }: KnownPolicy, on: string): string {
  const kind = permissive ? "permissive" : "restrictive";
  const checked = check === null ? "" : ` with check ${check}`;
  return `create policy ${name} on ${on} as ${kind} for ${words[command]} to ${roles.join(", ")} using ${using}${checked}`;
}

/** The default of the tenant column: whoever writes, writes as themselves. */
export function setDefault({ name, columnName, columnDefault }: PooledTable, names: PoolNames): readonly string[] {
  if (columnDefault !== null) return [];
  return [`alter table ${name} alter column ${columnName} set default ${whoAsks(names)}`];
}

/** What our groups may do with the table, where they may not yet; and that the vendor's roles may ask who asks. */
export function grants(
  { name, schema, granted, usable }: PooledTable,
  names: PoolNames,
  vendors: readonly Vendor[],
): readonly string[] {
  const wanted = { tenants: ["select", "insert", "update", "delete"], readers: ["select"] } as const;
  const asking = vendors
    .filter(({ mayAsk }) => !mayAsk)
    .map((vendor) => `grant execute on function ${names.schema}.tenant() to ${vendor.name}`);
  const reading = (["tenants", "readers"] as const).flatMap((group) => {
    const missing = wanted[group].filter((privilege) => !granted[group].includes(privilege));
    return [
      ...(usable[group] ? [] : [`grant usage on schema ${schema} to ${names[group]}`]),
      ...(missing.length === 0 ? [] : [`grant ${missing.join(", ")} on ${name} to ${names[group]}`]),
    ];
  });
  return [...asking, ...reading];
}

/** What was excused is kept beside the wall, so that later checks know it. */
export function remember(
  { name, excused }: PooledTable,
  { wall }: PoolNames,
  now: readonly string[],
): readonly string[] {
  if (JSON.stringify(now) === JSON.stringify(excused)) return [];
  return [`comment on policy ${wall} on ${name} is '${JSON.stringify({ excused: now }).replaceAll("'", "''")}'`];
}
