import { setTimeout as sleep } from "node:timers/promises";
import { becomes, type ConsoleStage, type ConsoleVisitor, consoleOf } from "./support/console.ts";
import { closeServers } from "./support/listen.ts";
import { closeProviders, type TestProvider, testProvider } from "./support/provider.ts";

const ADA = "ada@round.example";
const BEN = "ben@round.example";

let shop: TestProvider;
let stage: ConsoleStage;
let token: ConsoleVisitor;

beforeAll(async () => {
  shop = await testProvider();
  stage = await consoleOf(shop);
});

beforeEach(async () => {
  await shop.look("delete from operators");
  await shop.look("delete from console_sessions");
  token = await stage.signIn();
});

afterAll(async () => {
  await closeServers();
  await closeProviders();
});

const versionOf = (page: string): string => /name="version" value="(\d+)"/.exec(page)?.[1] ?? "";

/** A form as it was shown, with the version it was made from. */
async function formOf(visitor: ConsoleVisitor, path: string) {
  const { text } = await visitor.get(path).expect(200);
  return (fields: Readonly<Record<string, string>>) =>
    visitor.post(`${path}/confirmed`, { version: versionOf(text), reason: "on call", ...fields });
}

const add = async (email: string, role: string, visitor = token) =>
  (await formOf(visitor, "/console/people/add"))({ email, role });

const list = () => shop.look<{ email: string; role: string }>("select email, role from operators order by email");

/** Everybody who is signed in by the token has come by an identity provider instead. */
const areNow = (email: string) =>
  shop.look(
    `update console_sessions set person = $1, data = jsonb_set(data, '{operator}', jsonb_build_object('id', $1::text))
     where person = 'token'`,
    [email],
  );

describe("the people of the console", () => {
  test("somebody is added, gets another role and is removed; the audit says who did it, and why", async () => {
    expect((await add("Ada@Round.Example ", "viewer")).headers["location"]).toBe("/console/people?done=add");
    expect(await list()).toEqual([{ email: ADA, role: "viewer" }]);
    expect((await token.get("/console/people").expect(200)).text).toContain(ADA);
    const change = await formOf(token, `/console/people/${encodeURIComponent(ADA)}/role`);
    expect((await change({ role: "support", reason: "<b>nights</b>" })).status).toBe(303);
    expect(await list()).toEqual([{ email: ADA, role: "support" }]);
    expect((await (await formOf(token, `/console/people/${ADA}/remove`))({})).status).toBe(303);
    expect(await list()).toEqual([]);
    const told = await shop.look(
      "select action, by, data from audit_entries where chain = 'operator' and action like 'person.%' and action <> 'person.signed_in' order by sequence",
    );
    expect(told).toEqual([
      { action: "person.added", by: "operator:token", data: { email: ADA, to: "viewer", reason: "on call" } },
      {
        action: "person.role_changed",
        by: "operator:token",
        data: { email: ADA, from: "viewer", to: "support", reason: "<b>nights</b>" },
      },
      { action: "person.removed", by: "operator:token", data: { email: ADA, from: "support", reason: "on call" } },
    ]);
  });

  test("whoever is removed is out with the next request", async () => {
    await add(ADA, "viewer");
    const ada = token;
    await areNow(ADA);
    token = await stage.signIn();
    await ada.get("/console").expect(200);
    await (await formOf(token, `/console/people/${ADA}/remove`))({});
    await ada.get("/console").expect(303);
    expect(await shop.look("select from console_sessions where person = $1", [ADA])).toEqual([]);
  });

  test("only an admin sees the page, or does anything there", async () => {
    const visitor = await stage.signIn();
    await becomes(shop, ADA, "operator");
    expect((await visitor.get("/console").expect(200)).text).not.toContain("/console/people");
    for (const path of ["/console/people", "/console/people/add"]) await visitor.get(path).expect(403);
    const fields = { email: BEN, role: "admin", reason: "me too", version: "0" };
    expect((await visitor.post("/console/people/add/confirmed", fields)).status).toBe(403);
    expect(await list()).toEqual([{ email: ADA, role: "operator" }]);
  });

  test("of two admins at once, the second is told what happened and by whom", async () => {
    await add(ADA, "viewer");
    const late = await formOf(token, `/console/people/${ADA}/role`);
    await (await formOf(token, `/console/people/${ADA}/role`))({ role: "admin", reason: "was first" });
    const answer = await late({ role: "support" });
    expect(answer.status).toBe(409);
    for (const text of ["Nothing was done", "was first", "operator:token"]) expect(answer.text).toContain(text);
    expect(await list()).toEqual([{ email: ADA, role: "admin" }]);
  });

  test("a form is good whatever happened to others meanwhile", async () => {
    await add(ADA, "viewer");
    const form = await formOf(token, `/console/people/${ADA}/role`);
    await add(BEN, "viewer");
    expect((await form({ role: "support" })).status).toBe(303);
  });

  test("somebody who was removed meanwhile gets no role, and nobody is added twice", async () => {
    await add(ADA, "viewer");
    const late = await formOf(token, `/console/people/${ADA}/role`);
    await (await formOf(token, `/console/people/${ADA}/remove`))({ reason: "left us" });
    expect((await late({ role: "admin" })).text).toContain("left us");
    await add(BEN, "viewer");
    const again = await add(BEN, "admin");
    expect(again.status).toBe(422);
    expect(again.text).toContain("may come in already");
    expect(await list()).toEqual([{ email: BEN, role: "viewer" }]);
  });

  test.each([
    ["no e-mail", { email: "ada", role: "viewer" }],
    ["letters that fold into others", { email: "\u212a@round.example", role: "viewer" }],
    ["no role", { email: ADA, role: "" }],
    ["a role that does not exist", { email: ADA, role: "owner" }],
    ["no reason", { email: ADA, role: "viewer", reason: " " }],
  ])("%s is told on the form, which keeps what was typed", async (_, fields) => {
    const answer = await (await formOf(token, "/console/people/add"))(fields);
    expect(answer.status).toBe(422);
    expect(answer.text).toContain(`value="${fields.email}"`);
    expect(await list()).toEqual([]);
  });
});

describe("the last admin", () => {
  test("stays where no token is set, until somebody else is admin", async () => {
    const closed = await consoleOf(shop, { secrets: [Buffer.alloc(32, 7)], operatorToken: undefined });
    const open = await consoleOf(shop, { secrets: [Buffer.alloc(32, 7)] });
    await add(ADA, "admin");
    await add(BEN, "viewer");
    const { cookie } = await open.signIn();
    await areNow(ADA);
    const ada = closed.visitor(cookie);
    const lower = await (await formOf(ada, `/console/people/${ADA}/role`))({ role: "viewer" });
    const remove = await (await formOf(ada, `/console/people/${ADA}/remove`))({});
    for (const { status, text } of [lower, remove]) {
      expect(status).toBe(422);
      expect(text).toContain("Make somebody else admin first");
    }
    expect((await (await formOf(ada, `/console/people/${ADA}/role`))({ role: "admin" })).status).toBe(303);
    expect((await (await formOf(ada, `/console/people/${BEN}/role`))({ role: "admin" })).status).toBe(303);
    expect((await (await formOf(ada, `/console/people/${ADA}/remove`))({})).status).toBe(303);
    expect(await list()).toEqual([{ email: BEN, role: "admin" }]);
  });

  test("may go where the token still lets somebody in", async () => {
    await add(ADA, "admin");
    expect((await (await formOf(token, `/console/people/${ADA}/remove`))({})).status).toBe(303);
    expect(await list()).toEqual([]);
  });

  test("of two admins who remove each other at once, one stays", async () => {
    await add(ADA, "admin");
    await add(BEN, "admin");
    const { store, clock } = shop.deps;
    const remove = (email: string, by: string) =>
      store.throughDoor<{ changed: { outcome: string } }>({
        text: "select console_change_person($1, $2) as changed",
        values: [
          JSON.stringify({ act: "remove", email, by, at: clock.now(), reason: "x", version: 1_000, guarded: true }),
          clock.now(),
        ],
      });
    // Both are on their way before either may go on.
    await shop.look("begin");
    await shop.look("lock table operators in share row exclusive mode");
    const both = Promise.all([remove(ADA, "operator:ben"), remove(BEN, "operator:ada")]);
    const waiting = "select from pg_locks where not granted and relation = 'operators'::regclass";
    for (let round = 0; round < 500 && (await shop.look(waiting)).length < 2; round += 1) await sleep(10);
    await shop.look("commit");
    const outcomes = (await both).flat();
    expect(outcomes.map(({ changed }) => changed.outcome).sort()).toEqual(["done", "last_admin"]);
    expect(await list()).toHaveLength(1);
  });
});
