import type pg from "pg";
import { copyPlace, refuseUnlessEmpty, refuseWhatCannotBeCarried } from "../src/isolation/copy/copy.ts";
import { asTenant, type PlacedTenant, type TenantServer, tenantServer } from "./support/tenant-places.ts";

let server: TenantServer;
let tenant: PlacedTenant;

beforeAll(async () => {
  server = await tenantServer();
  tenant = await server.tenant();
});

afterAll(() => server.remove());

const AS_CUSTOMER: readonly (readonly [string, string, readonly string[]])[] = [
  ["a function", "create function f() returns int language sql as 'select 1'", ["function f()"]],
  ["a procedure", "create procedure p() language sql as 'select 1'", ["function p()"]],
  [
    "an aggregate",
    "create aggregate total (int) (sfunc = int4pl, stype = int, initcond = 0)",
    ["function total(integer)"],
  ],
  [
    "a trigger",
    "create table t (a int); create trigger tr before update on t for each row execute function suppress_redundant_updates_trigger()",
    ["trigger tr on table t"],
  ],
  ["a rule", "create table t (a int); create rule r as on insert to t do also select 1", ["rule r on table t"]],
  ["a materialized view", "create materialized view m as select 1 as one", ["materialized view m"]],
  [
    "a partitioned table",
    "create table parts (a int) partition by list (a); create table part1 partition of parts for values in (1)",
    ["table part1", "table parts", "inheritance of table part1"],
  ],
  ["inheritance", "create table a (x int); create table b () inherits (a)", ["inheritance of table a"]],
  ["a policy", "create table t (a int); create policy p on t using (true)", ["policy p on table t"]],
  [
    "row level security",
    "create table t (a int); alter table t enable row level security",
    ["row level security of table t"],
  ],
  ["statistics", "create table t (a int, b int); create statistics s on a, b from t", ["statistics object s"]],
  ["a composite type", "create type pair as (a int, b int); create table t (p pair)", ["type pair"]],
  ["a range type", "create type span as range (subtype = float8)", ["type span"]],
  [
    "a row of a table as a type",
    "create table a (x int); create table b (y a)",
    ["column y of table b, which needs type a"],
  ],
  [
    "an operator",
    "create operator === (leftarg = int, rightarg = int, function = int4eq)",
    ["operator ===(integer,integer)"],
  ],
  ["a collation", "create collation co (provider = icu, locale = 'und')", ["collation co"]],
  [
    "a text search configuration",
    "create text search configuration tsc (copy = simple)",
    ["text search configuration tsc"],
  ],
  ["a large object", "select lo_create(4711)", ["large object 4711"]],
  ["a column that holds numbers of objects", "create table t (r regclass)", ["column r of table t"]],
  ["a name that is PostgreSQL's own", "create table pg_class (a int)", ["pg_class, whose name is"]],
  ["default rights", "alter default privileges grant select on tables to public", ["default privileges"]],
  [
    "an index that was not finished",
    "create table t (a int); insert into t values (1), (1)|create unique index concurrently i on t (a)",
    ["unfinished index i"],
  ],
  [
    "a right of somebody else",
    "create table t (a int); grant select on t to STRANGER",
    ["a right of STRANGER on table t"],
  ],
];

describe("a place is refused, before anything is copied, for", () => {
  test.each(AS_CUSTOMER)("%s", async (_what, sql, names) => {
    const stranger = await server.tenant();
    const place = await tenant.database();
    const text = sql.replaceAll("STRANGER", stranger.owner);
    for (const part of text.split("|")) {
      await asTenant(place, (client) => client.query(part)).catch((fault: pg.DatabaseError) => {
        if (fault.code !== "23505") throw fault;
      });
    }
    await expect(refuseWhatCannotBeCarried(place)).rejects.toMatchObject({
      name: "CannotBeCarried",
      things: expect.arrayContaining(
        names.map((name) => expect.stringContaining(name.replaceAll("STRANGER", stranger.owner))),
      ),
    });
    const target = await tenant.schema();
    await expect(copyPlace(place, target)).rejects.toThrow("cannot be carried");
    await refuseUnlessEmpty(target);
  });

  test("views that read each other: nothing is left of the copy", async () => {
    const [place, target] = [await tenant.database(), await tenant.schema()];
    const views =
      "create view a as select 1 as x; create view b as select * from a; create or replace view a as select * from b";
    await asTenant(place, (client) => client.query(`create table t as select 1 as x; ${views}`));
    await expect(copyPlace(place, target)).rejects.toThrow("does not exist");
    await refuseUnlessEmpty(target);
  });

  test("what lies in the target already", async () => {
    const place = await tenant.database();
    const targets = [
      "create table t (a int)",
      "create function f() returns int language sql as 'select 1'",
      "create type e as enum ()",
    ];
    for (const sql of targets) {
      const target = await tenant.schema();
      await asTenant(target, (client) => client.query(sql));
      await expect(refuseUnlessEmpty(target)).rejects.toThrow("not empty");
      await expect(copyPlace(place, target)).rejects.toThrow("not empty");
    }
  });
});
