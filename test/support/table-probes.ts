import type { Tenants, WalledTable } from "./walled-table.ts";

/** What a probe came to: a count of rows, or PostgreSQL's code. */
export type Result = number | string;

/** One way to reach another tenant's rows in a table. Numbered like the tests that run them. */
export interface TableProbe {
  readonly n: number;
  readonly what: string;
  /** Whose scope; null for none. */
  readonly as: "a" | null | ((tenants: Tenants) => string);
  /** The connection has served b before. */
  readonly afterB?: true;
  readonly sql: (table: WalledTable, tenants: Tenants) => string;
  readonly mustGive: readonly Result[] | ((table: WalledTable) => readonly Result[]);
}

const DENIED = "42501";

const mine = (t: WalledTable, { a }: Tenants) => `${t.tenantColumn} = '${a}'`;
const theirs = (t: WalledTable, { b }: Tenants) => `${t.tenantColumn} = '${b}'`;
const count = (t: WalledTable) => `select count(*)::int as count from ${t.name}`;
/** Their row, with this in it. */
const row = (t: WalledTable, more: object) =>
  `(jsonb_populate_record(null::${t.name}, '${JSON.stringify({ ...t.theirs, ...more }).replaceAll("'", "''")}')).*`;
const copied = (t: WalledTable, { b }: Tenants) =>
  `insert into ${t.name} select (jsonb_populate_record(x, jsonb_build_object('${t.tenantColumn}', '${b}'))).* from ${t.name} x`;

const setTo = (t: WalledTable, tenant: string, where: string) =>
  `update ${t.name} set ${t.tenantColumn} = '${tenant}' where ${where}`;
/** A key that holds the tenant gives way to nobody; one of random values over all tenants may be refused. */
const free = (t: WalledTable): readonly Result[] => [
  ...[1, DENIED, "23503"],
  ...(t.unique ? [0, "23505"] : []),
  ...(oneEach(t) ? [0] : []),
];
/** A tenant has one row at most: its own is there. */
const oneEach = ({ keys, tenantColumn }: WalledTable) => keys.length === 1 && keys[0] === tenantColumn;
const onConflict = ({ keys, tenantColumn }: WalledTable) =>
  keys.length === 0 ? "" : `on conflict (${keys.join(", ")}) do update set ${tenantColumn} = excluded.${tenantColumn}`;
const byKey = (t: WalledTable, { a }: Tenants) => {
  const keys = t.keys.filter((key) => key !== t.tenantColumn);
  const equal = keys.map((key) => `b.${key} = t.${key}`).join(" and ") || "true";
  return `select count(*)::int as count from ${t.name} t, (select ${row(t, {})}) b where ${equal} and t.${t.tenantColumn} <> '${a}'`;
};

/** Each is run against every table with a tenant's rows in it. */
export const tableProbes: readonly TableProbe[] = [
  { n: 1, what: "count without a tenant", as: null, sql: count, mustGive: [0] },
  { n: 2, what: "count without a tenant after b", as: null, afterB: true, sql: count, mustGive: [0] },
  { n: 3, what: "count with an empty tenant", as: () => "", sql: count, mustGive: [0] },
  { n: 3, what: "count with an unknown tenant", as: () => "z".repeat(26), sql: count, mustGive: [0] },
  { n: 3, what: "count with a tenant in capitals", as: ({ a }) => a.toUpperCase(), sql: count, mustGive: [0] },
  { n: 3, what: "count with a space behind the tenant", as: ({ a }) => `${a} `, sql: count, mustGive: [0] },
  { n: 4, what: "count own rows", as: "a", sql: (t, w) => `${count(t)} where ${mine(t, w)}`, mustGive: [1] },
  { n: 4, what: "count all rows", as: "a", sql: count, mustGive: [1] },
  { n: 4, what: "read theirs by tenant", as: "a", sql: (t, w) => `${count(t)} where ${theirs(t, w)}`, mustGive: [0] },
  { n: 4, what: "read theirs by key", as: "a", sql: byKey, mustGive: [0] },
  {
    n: 5,
    what: "lock theirs",
    as: "a",
    sql: (t, w) => `select from ${t.name} where ${theirs(t, w)} for update nowait`,
    mustGive: [0, DENIED],
  },
  { n: 6, what: "update theirs", as: "a", sql: (t, w) => setTo(t, w.b, theirs(t, w)), mustGive: [0, DENIED] },
  {
    n: 7,
    what: "delete theirs",
    as: "a",
    sql: (t, w) => `delete from ${t.name} where ${theirs(t, w)}`,
    mustGive: [0, DENIED],
  },
  { n: 8, what: "insert as theirs", as: "a", sql: copied, mustGive: [DENIED] },
  {
    n: 9,
    what: "insert for nobody",
    as: "a",
    sql: (t) => `insert into ${t.name} select ${row(t, { [t.tenantColumn]: null })}`,
    mustGive: ["23502", DENIED],
  },
  { n: 10, what: "hand own over", as: "a", sql: (t, w) => setTo(t, w.b, mine(t, w)), mustGive: [DENIED] },
  {
    n: 11,
    what: "insert over their key",
    as: "a",
    sql: (t, w) => `with done as (insert into ${t.name} select ${row(t, { [t.tenantColumn]: w.a })}
                      ${onConflict(t)}
                      returning xmax::text <> '0' as theirs) select count(*) filter (where theirs)::int as count from done`,
    mustGive: (t) => [
      oneEach(t) ? 1 : 0,
      DENIED,
      ...(t.keys.length === 0 ? ["0A000"] : []),
      "23503",
      ...(t.unique ? ["23505"] : []),
    ],
  },
  {
    n: 11,
    what: "insert theirs over theirs",
    as: "a",
    sql: (t, w) => `${copied(t, w)} on conflict do nothing`,
    mustGive: [DENIED],
  },
  {
    n: 12,
    what: "insert their values as own",
    as: "a",
    sql: (t, w) => `insert into ${t.name} select ${row(t, { [t.tenantColumn]: w.a })} on conflict do nothing`,
    mustGive: free,
  },
  {
    n: 15,
    what: "merge into theirs",
    as: "a",
    sql: (t, w) => `merge into ${t.name} t using (select '${w.b}' as b) s on t.${t.tenantColumn} = s.b
                    when matched then update set ${t.tenantColumn} = '${w.a}'`,
    mustGive: [0, DENIED],
  },
  {
    n: 15,
    what: "merge theirs into own",
    as: "a",
    sql: (t, w) => `merge into ${t.name} t using (select * from ${t.name} where ${theirs(t, w)}) s on true
                    when matched then update set ${t.tenantColumn} = t.${t.tenantColumn}`,
    mustGive: [0, DENIED],
  },
  { n: 16, what: "copy out", as: "a", sql: (t) => `copy (select * from ${t.name}) to stdout`, mustGive: [1] },
  { n: 17, what: "copy in", as: "a", sql: (t) => `copy ${t.name} from stdin`, mustGive: ["0A000", DENIED] },
  { n: 18, what: "truncate", as: "a", sql: (t) => `truncate ${t.name}`, mustGive: [DENIED] },
  {
    n: 19,
    what: "row_security off",
    as: "a",
    sql: (t) => `set local row_security = off; ${count(t)}`,
    mustGive: [DENIED],
  },
  {
    n: 20,
    what: "disable the wall",
    as: "a",
    sql: (t) => `alter table ${t.name} disable row level security`,
    mustGive: [DENIED],
  },
  { n: 20, what: "drop the policy", as: "a", sql: (t) => `drop policy tenant on ${t.name}`, mustGive: [DENIED] },
  {
    n: 20,
    what: "add a policy",
    as: "a",
    sql: (t) => `create policy mine on ${t.name} using (true)`,
    mustGive: [DENIED],
  },
  {
    n: 26,
    what: "a plan made for another tenant",
    as: ({ b }) => b,
    sql: (t, w) => `set local plan_cache_mode = force_generic_plan; prepare probe as ${count(t)} where ${theirs(t, w)};
                    execute probe; select set_config('app.tenant_id', '${w.a}', true); execute probe; deallocate probe`,
    mustGive: [0],
  },
  {
    n: 30,
    what: "an error over their values",
    as: "a",
    sql: (t, w) => `select 1 / (case when ${theirs(t, w)} then 0 else 1 end) from ${t.name}`,
    mustGive: [1],
  },
  {
    n: 33,
    what: "their statistics",
    as: "a",
    sql: (t) => `select count(*)::int as count from pg_stats where tablename = '${t.name}'`,
    mustGive: [0],
  },
  {
    n: 47,
    what: "dump",
    as: "a",
    sql: (t) => `set local row_security = off; copy ${t.name} to stdout`,
    mustGive: [DENIED],
  },
];

/** What the owner of the tables is free to do, wherever it serves. */
export const forOwners: ReadonlySet<string> = new Set([
  ...["truncate", "disable the wall", "drop the policy", "add a policy", "their statistics"],
]);
