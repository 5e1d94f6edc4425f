import pg from "pg";
import { findTenants, wantedIn } from "../src/dashboard/console/tenants/find.ts";
import { connect, type Database } from "../src/db/db.ts";
import { isolate, type OperatorStore } from "../src/isolation/isolation.ts";
import { mintTenantId } from "../src/tenants/tenants.ts";
import { ownDatabase, type TestDatabase } from "./support/cluster.ts";
import { operating } from "./support/operating.ts";
import { readWhole } from "./support/read-whole.ts";

const MANY = 20_000;
let home: TestDatabase;
let superuser: pg.Client;
let database: Database;
let store: OperatorStore;

beforeAll(async () => {
  home = await ownDatabase();
  superuser = new pg.Client({ connectionString: home.superuserUrl });
  await superuser.connect();
  database = connect({ url: home.appUrl });
  store = operating(isolate(database, { role: null }));
  await superuser.query(
    `insert into tenants (id, marketplace, resource_id, plan, state, name, facts, request_digest, created_at, changed_at)
     select 'a' || translate(lpad(n::text, 25, '0'), '0189', 'abcd'), case when n % 2 = 0 then 'bazaar' else 'souk' end,
            'res-' || lpad(n::text, 6, '0'), (array['basic', 'standard'])[1 + n % 2],
            case when n % 5000 = 0 then 'failed' else 'active' end, 'crowd-' || n,
            jsonb_build_object('app', 'App-' || n, 'owner', 'o' || n || '@crowd.example'), 'd',
            '2026-01-01T00:00:00Z'::timestamptz + n * interval '1 second', '2026-02-01T00:00:00Z'
     from generate_series(1, ${MANY}) n`,
  );
  await superuser.query("analyze");
});

afterAll(async () => {
  await Promise.all([superuser.end(), database.close()]);
  await home.drop();
});

const find = (query: Readonly<Record<string, unknown>>, cursor?: string, limit = 50) =>
  findTenants(store, wantedIn(query), cursor, limit);
const namesOf = async (query: Readonly<Record<string, unknown>>) => (await find(query)).lines.map(({ name }) => name);

async function plant(facts: object, name = "planted"): Promise<string> {
  const id = mintTenantId();
  await superuser.query(
    `insert into tenants (id, marketplace, resource_id, plan, state, name, facts, request_digest, created_at, changed_at)
     values ($1, 'bazaar', $1 || ':Legacy/K-77', 'basic', 'active', $2, $3, 'd', '2026-03-01Z', '2026-03-01Z')`,
    [id, name, JSON.stringify(facts)],
  );
  return id;
}

/** Of the small tables all that can be asked is that an index could serve. */
const readOfTenants = (sql: string): Promise<string[]> =>
  readWhole(superuser, sql, { tables: ["tenants", "tenant_terms"] });

describe("finding a tenant", () => {
  test("goes by the beginning of any of its names, whatever their case", async () => {
    const id = await plant({ app: "Quiet-River", owner: "Ada@Round.example" }, "acme-search-7");
    await superuser.query("insert into resource_ids (tenant_id, marketplace, resource_id) values ($1, 'bazaar', $2)", [
      id,
      "arn:aws:license:1:l-0abc",
    ]);
    await superuser.query(
      "insert into people (tenant_id, person_id, email, role, seen_at) values ($1, '1', 'Bob@Round.example', 'member', now())",
      [id],
    );
    await superuser.query(
      `insert into aws_licences (key, generation, region, created_at, changed_at) values ('k-9', 'licence', 'us-east-1', now(), now())`,
    );
    await superuser.query("update aws_licences set tenant_id = $1, account = '123456789012' where key = 'k-9'", [id]);
    const names = [
      id,
      `${id}:leg`,
      "k-77",
      "QUIET",
      "ada@round",
      "bob@ROUND.example",
      "acme-search-7",
      "l-0a",
      "1234567",
    ];
    for (const q of names) expect([q, (await find({ q })).lines.map((line) => line.id)]).toEqual([q, [id]]);
    expect((await find({ q: "bob@" })).lines[0]).toMatchObject({ kind: "person", term: "bob@round.example" });
    expect(await namesOf({ q: "river" })).toEqual([]);
  });

  test("forgets a name that is gone, and knows the new one", async () => {
    const id = await plant({ app: "old-app" }, "renamed");
    await superuser.query("insert into people values ($1, '1', 'gone@round.example', 'member', now())", [id]);
    await superuser.query("delete from people where tenant_id = $1", [id]);
    await superuser.query(`update tenants set facts = '{"app": "new-app"}' where id = $1`, [id]);
    expect(await namesOf({ q: "gone@round.example" })).toEqual([]);
    expect(await namesOf({ q: "old-app" })).toEqual([]);
    expect(await namesOf({ q: "new-app" })).toEqual(["renamed"]);
  });

  test("takes any text for a text", async () => {
    const strange = [
      "%",
      "_",
      "'; drop table tenants; --",
      "\\",
      "\u0000",
      "a\u0000b",
      "💥",
      "\ud800",
      "((",
      "null",
      "x".repeat(9_000),
      " ",
      "\u{10ffff}",
      "$1",
    ];
    for (const q of strange) {
      const { lines } = await find({ q });
      expect(lines.length === 0 || wantedIn({ q }).q === undefined).toBe(true);
    }
    expect(wantedIn({ q: ["a", "b"], plan: { a: 1 } })).toEqual({});
  });

  test("folds a letter as the database does, on both sides", async () => {
    const id = await plant({ app: "İstanbul" }, "folded");
    expect((await find({ q: "İSTAN" })).lines.map((line) => line.id)).toEqual([id]);
    const { lines } = await find({ q: "İ" });
    expect(lines.filter(({ term }) => !/^i/i.test(term ?? ""))).toEqual([]);
  });

  test("refuses a state that does not exist, and cursors of elsewhere", async () => {
    expect(() => wantedIn({ state: "asleep" })).toThrow("There is no state asleep");
    for (const cursor of [
      "",
      "x",
      "bnVsbA",
      Buffer.from('["soon","a"]').toString("base64url"),
      Buffer.from('["2026-01-01",1]').toString("base64url"),
    ])
      await expect(find({}, cursor)).rejects.toThrow("The cursor is not one of this list.");
  });

  test("lists every tenant once, newest first, page by page, with any filter", async () => {
    for (const query of [{ state: "failed" }, { state: "failed", marketplace: "bazaar", plan: "basic" }]) {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await find(query, cursor, 3);
        seen.push(...page.lines.map(({ name }) => name));
        cursor = page.next;
      } while (cursor !== undefined);
      expect(seen).toEqual(["crowd-20000", "crowd-15000", "crowd-10000", "crowd-5000"]);
    }
    expect(await find({ state: "failed", marketplace: "souk" })).toMatchObject({
      lines: [],
      marketplaces: ["bazaar", "souk"],
      plans: ["basic", "standard"],
    });
  });

  test("goes on behind a name that very many share, and lists each once", async () => {
    const seen = new Set<string>();
    let pages = 0;
    let cursor: string | undefined;
    do {
      const page = await find({ q: "crowd-", state: "failed" }, cursor);
      for (const { name } of page.lines) expect(seen.has(name)).toBe(false);
      for (const { name } of page.lines) seen.add(name);
      cursor = page.next;
      pages += 1;
    } while (cursor !== undefined);
    expect([...seen].sort()).toEqual(["crowd-10000", "crowd-15000", "crowd-20000", "crowd-5000"]);
    expect(pages).toBe(11);
  });

  test("reads no table whole", async () => {
    const { rows } = await superuser.query("select id from tenants where name = 'crowd-77'");
    const asked = { by: "operator:ada", reason: "a look", at: "2026-03-01Z", month: "2026-03-01Z" };
    const calls = [
      ...[{}, { state: "failed" }, { q: "crowd-1" }, { q: "o77@crowd.example", plan: "basic" }].map(
        (wanted) => `select console_find_tenants('${JSON.stringify(wanted)}', 51)`,
      ),
      `select console_tenant('${rows[0].id}', '${JSON.stringify(asked)}', 26)`,
      `select console_act('${rows[0].id}', '{"act": "resume", "by": "operator:ada", "at": "2026-03-01Z", "version": 0}', '2026-03-01Z')`,
    ];
    for (const call of calls) {
      const whole = [await readOfTenants(call), await readWhole(superuser, call, { seqscan: "off" })];
      expect([call, ...whole]).toEqual([call, [], []]);
    }
    await superuser.query("drop index tenant_terms_term");
    expect(await readOfTenants(String(calls[2]))).toEqual(["tenant_terms"]);
  });
});
