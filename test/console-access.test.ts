import supertest from "supertest";
import { failedAttempts } from "../src/http/failed-attempts.ts";
import { MINUTE } from "./support/clock.ts";
import { becomes, type ConsoleStage, consoleOf, cookieIn, OPERATOR_TOKEN } from "./support/console.ts";
import { closeServers } from "./support/listen.ts";
import { closeProviders, type TestProvider, testProvider } from "./support/provider.ts";

let shop: TestProvider;
let stage: ConsoleStage;

beforeAll(async () => {
  shop = await testProvider();
  stage = await consoleOf(shop);
});

afterAll(async () => {
  await closeServers();
  await closeProviders();
});

const signInWith = (fields: Record<string, string>) =>
  supertest(stage.url).post("/console/sign-in").type("form").send(fields);

describe("the console's sign-in", () => {
  test("a stranger is sent to the sign-in and afterwards to the page he wanted", async () => {
    const sent = await supertest(stage.url).get("/console/audit?q=x").expect(303);
    expect(sent.headers["location"]).toBe("/console/sign-in?to=%2Fconsole%2Faudit%3Fq%3Dx");
    const page = await supertest(stage.url).get(String(sent.headers["location"])).expect(200);
    expect(page.text).toContain('name="to" value="/console/audit?q=x"');
    expect(page.get("Set-Cookie")).toBeUndefined();
    const answer = await signInWith({ token: OPERATOR_TOKEN, to: "/console/audit?q=x" }).expect(303);
    expect(answer.headers["location"]).toBe("/console/audit?q=x");
  });

  test.each([
    "https://evil.example/console",
    "//evil.example",
    "/console//evil.example",
    "/console/../dashboard",
    "/\\evil.example",
    "/console/sign-out",
    "javascript:alert(1)",
  ])("after the sign-in nobody is sent to %s", async (to) => {
    const answer = await signInWith({ token: OPERATOR_TOKEN, to }).expect(303);
    expect(answer.headers["location"]).toBe("/console");
  });

  test("the token makes an admin, who is warned that it is shared", async () => {
    const visitor = await stage.signIn();
    const page = await visitor.get("/console").expect(200);
    expect(page.text).toContain("Signed in by the shared token");
    expect(page.text).toContain('<span class="badge">admin</span>');
  });

  test("each sign-in by the token is in the operators' audit, and no other try is", async () => {
    const told = () => shop.look("select by, data from audit_entries where action = 'person.signed_in'");
    const before = await told();
    await signInWith({ token: OPERATOR_TOKEN }).expect(303);
    await signInWith({ token: "no" }).expect(403);
    expect(await told()).toEqual([...before, { by: "operator:token", data: { way: "token" } }]);
  });

  test("another token is refused, and nobody is signed in", async () => {
    const answer = await signInWith({ token: `${OPERATOR_TOKEN}x` }).expect(403);
    expect(answer.text).toContain("That is not the token");
    expect(answer.get("Set-Cookie")).toBeUndefined();
  });

  test("whoever guesses is slowed down, and the right token still gets in", async () => {
    const strict = await consoleOf(shop, { attempts: failedAttempts({ limit: 2 }) });
    const guess = (token: string) => supertest(strict.url).post("/console/sign-in").type("form").send({ token });
    const statuses = [];
    for (const token of ["a", "b", "c", OPERATOR_TOKEN]) statuses.push((await guess(token)).status);
    expect(statuses).toEqual([403, 403, 429, 303]);
  });

  test("a form of another site signs nobody in", async () => {
    for (const headers of [{ "Sec-Fetch-Site": "cross-site" }, { Origin: "https://evil.example" }]) {
      await signInWith({ token: OPERATOR_TOKEN }).set(headers).expect(403);
    }
  });

  test("without a token in the settings there is no way in, not even an empty one", async () => {
    const closed = await consoleOf(shop, { operatorToken: undefined });
    const page = await supertest(closed.url).get("/console/sign-in").expect(200);
    expect(page.text).not.toContain("<form");
    for (const token of ["", "undefined"]) {
      await supertest(closed.url).post("/console/sign-in").type("form").send({ token }).expect(403);
    }
  });

  test("the cookie is HttpOnly, Lax and for the console alone; behind https it is Secure too", async () => {
    const [, ...attributes] = String((await signInWith({ token: OPERATOR_TOKEN })).get("Set-Cookie")).split("; ");
    expect(attributes.sort()).toEqual(["HttpOnly", "Path=/console", "SameSite=Lax"]);
    const secure = await consoleOf(shop, { secure: true });
    const answer = await supertest(secure.url).post("/console/sign-in").type("form").send({ token: OPERATOR_TOKEN });
    expect(String(answer.get("Set-Cookie"))).toMatch(/^__Secure-stallholder_console=.*; Secure/);
  });
});

describe("a session of the console", () => {
  test("ends by signing out, and the old cookie opens nothing", async () => {
    const visitor = await stage.signIn();
    expect((await visitor.post("/console/sign-out")).headers["location"]).toBe("/console/signed-out");
    await visitor.get("/console").expect(303);
  });

  test("a sign-out without the page's token is refused", async () => {
    const visitor = await stage.signIn();
    expect((await visitor.post("/console/sign-out", { csrf_token: "guessed" })).status).toBe(403);
    await visitor.get("/console").expect(200);
  });

  test("ends after an hour without a request, and twelve hours after the sign-in", async () => {
    const [idle, busy] = [await stage.signIn(), await stage.signIn()];
    for (let minutes = 0; minutes < 720; minutes += 45) {
      await busy.get("/console").expect(200);
      shop.clock.advance(45 * MINUTE);
    }
    await idle.get("/console").expect(303);
    shop.clock.advance(MINUTE);
    await busy.get("/console").expect(303);
  });

  test("a form sent after its end does nothing, and the sign-in says so and leads back to its page", async () => {
    const answer = await supertest(stage.url).post("/console/tenants/abc/suspend").type("form").send({}).expect(303);
    expect(answer.headers["location"]).toBe("/console/sign-in?to=%2Fconsole%2Ftenants%2Fabc&undone=1");
    const page = await supertest(stage.url).get(String(answer.headers["location"])).expect(200);
    expect(page.text).toContain("nothing was done");
  });

  test("a session the browser brings along is not taken over", async () => {
    const visitor = await stage.signIn();
    const again = await signInWith({ token: OPERATOR_TOKEN }).set("Cookie", visitor.cookie);
    expect(cookieIn(again)).not.toBe(visitor.cookie);
    await visitor.get("/console").expect(303);
  });

  test("a session that another token began is over", async () => {
    const secrets = [Buffer.alloc(32, 1)];
    const before = await (await consoleOf(shop, { secrets })).signIn();
    const after = await consoleOf(shop, { secrets, operatorToken: "a newer token" });
    await after.visitor(before.cookie).get("/console").expect(303);
  });

  test("the database knows neither the cookie nor the token", async () => {
    const visitor = await stage.signIn();
    const id = /s%3A([^.]+)\./.exec(visitor.cookie)?.[1] ?? "";
    expect(id).toHaveLength(43);
    const rows = JSON.stringify(await shop.look("select * from console_sessions"));
    expect(rows).not.toContain(id);
    expect(rows).not.toContain(OPERATOR_TOKEN);
  });

  test("a role counts from the next request on, and whoever is taken away is out", async () => {
    const visitor = await stage.signIn();
    await becomes(shop, "ada@round.example", "viewer");
    const page = await visitor.get("/console").expect(200);
    expect(page.text).toContain("ada@round.example");
    expect(page.text).toContain('<span class="badge">viewer</span>');
    await becomes(shop, "ada@round.example", "operator");
    expect((await visitor.get("/console")).text).toContain('<span class="badge">operator</span>');
    await shop.look("delete from operators");
    await visitor.get("/console").expect(303);
  });
});
