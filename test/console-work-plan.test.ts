import pg from "pg";
import { ownDatabase, type TestDatabase } from "./support/cluster.ts";
import { readWhole } from "./support/read-whole.ts";

const MANY = 20_000;
const OF_WORK = ["operations", "owed_calls"];

let home: TestDatabase;
let superuser: pg.Client;

/** A vendor of long standing: nearly all that was ever owed is delivered, nearly all that was ever begun is done. */
beforeAll(async () => {
  home = await ownDatabase();
  superuser = new pg.Client({ connectionString: home.superuserUrl });
  await superuser.connect();
  await superuser.query(
    `insert into tenants (id, marketplace, resource_id, plan, state, name, facts, request_digest, created_at, changed_at)
     select 'a' || translate(lpad(n::text, 25, '0'), '0189', 'abcd'), 'bazaar', 'res-' || n, 'basic', 'active', 'crowd-' || n,
            '{}', 'd', '2026-01-01Z'::timestamptz + n * interval '1 second', '2026-02-01Z'
     from generate_series(1, ${MANY}) n`,
  );
  const state = (waiting: string, over: string, done: string) =>
    `case when n % 1000 < 2 then '${waiting}' when n % 1000 = 2 then '${over}' else '${done}' end`;
  const fault = "case when n % 1000 in (1, 2) then 'The product answered 503.' end";
  await superuser.query(
    `insert into owed_calls (tenant_id, sequence, marketplace, kind, lane, state, due_at, last_fault, created_at, ended_at)
     select id, n, marketplace, 'end', 'bazaar', ${state("owed", "given_up", "delivered")}, created_at, ${fault}, created_at,
            case when n % 1000 > 1 then created_at end
     from (select t.*, row_number() over (order by id) as n from tenants t) t`,
  );
  await superuser.query(
    `insert into operations (id, tenant_id, kind, state, by, at, due_at, last_fault, created_at, ended_at)
     select gen_random_uuid(), id, 'provision', ${state("running", "failed", "done")}, 'marketplace', created_at, created_at,
            ${fault}, created_at, case when n % 1000 > 1 then created_at end
     from (select t.*, row_number() over (order by id) as n from tenants t) t`,
  );
  await superuser.query("vacuum analyze");
});

afterAll(async () => {
  await superuser.end();
  await home.drop();
});

const page = (of: string, state: string, after?: object): string =>
  `select console_work('${JSON.stringify({ of, state, after })}', 51)`;

test.each(["calls", "operations"])("a page of %s that fail, wait or were given up reads no table whole", async (of) => {
  const ref = of === "calls" ? "5" : "00000000-0000-4000-8000-000000000000";
  for (const state of ["failing", "waiting", "given_up"]) {
    for (const after of [undefined, { at: "2026-01-01T01:00:00Z", tenant: "a", ref }]) {
      const call = page(of, state, after);
      expect([call, await readWhole(superuser, call, { tables: OF_WORK })]).toEqual([call, []]);
    }
  }
});

test("and would, without its index", async () => {
  await superuser.query("drop index owed_calls_failing, owed_calls_due, owed_calls_order, operations_given_up");
  expect(await readWhole(superuser, page("calls", "failing"), { tables: OF_WORK })).toEqual(["owed_calls"]);
  expect(await readWhole(superuser, page("operations", "given_up"), { tables: OF_WORK })).toEqual(["operations"]);
});
