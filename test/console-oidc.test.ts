import type { KeyObject } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import express, { type RequestHandler } from "express";
import type { JWTPayload } from "jose";
import supertest from "supertest";
import { failedAttempts } from "../src/http/failed-attempts.ts";
import { MINUTE } from "./support/clock.ts";
import { becomes, type ConsoleStage, consoleOf, OPERATOR_TOKEN } from "./support/console.ts";
import { closeServers, listen } from "./support/listen.ts";
import { newKey, type OidcIssuer, oidcIssuer } from "./support/oidc-issuer.ts";
import { closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { type WebBrowser, webBrowser } from "./support/web-browser.ts";

const ADA = "ada@round.example";
const CALLBACK = "/console/sign-in/oidc/callback";

let shop: TestProvider;
let issuer: OidcIssuer;
let stage: ConsoleStage;

beforeAll(async () => {
  shop = await testProvider();
  await becomes(shop, ADA, "operator");
  issuer = await oidcIssuer();
  stage = await consoleOf(shop, {
    oidc: { issuer: issuer.url, ...issuer.client },
    attempts: failedAttempts({ limit: 1_000 }),
  });
  issuer.serve(stage.url + CALLBACK);
});

beforeEach(() => {
  issuer.who = { email: ADA, email_verified: true };
  issuer.instead = undefined;
  issuer.alter = undefined;
  issuer.forger = undefined;
});

afterAll(async () => {
  await closeServers();
  await closeProviders();
});

const start = (to = "/console/tenants") => `${stage.url}/console/sign-in/oidc?to=${encodeURIComponent(to)}`;
const signIn = (browser: WebBrowser = webBrowser()) => browser.open(start());

/** As far as the provider's answer, which the console has not seen yet. */
const answerFor = async (browser: WebBrowser): Promise<URL> =>
  new URL((await browser.open(start(), { stopAt: stage.url + CALLBACK })).url);

const entries = () =>
  shop.look<{ by: string; data: object }>("select by, data from audit_entries where action = 'person.signed_in'");

describe("sign-in by OpenID Connect", () => {
  test("the sign-in offers the provider beside the token, and leads by it to the page that was wanted", async () => {
    const page = await supertest(stage.url).get("/console/sign-in?to=/console/tenants").expect(200);
    expect(page.text).toContain('href="/console/sign-in/oidc?to=%2Fconsole%2Ftenants"');
    expect(page.text).toContain("Operator token");
    const shown = await signIn();
    expect(shown.url).toBe(`${stage.url}/console/tenants`);
    expect(shown.text).toContain(ADA);
    expect(shown.text).toContain('<span class="badge">operator</span>');
    expect(await entries()).toEqual([{ by: `operator:${ADA}`, data: { way: "oidc" } }]);
  });

  test("the request carries PKCE, a state and a nonce, and no secret", async () => {
    const answer = await supertest(stage.url).get("/console/sign-in/oidc").expect(302);
    const { searchParams: sent } = new URL(String(answer.headers["location"]));
    expect(sent.get("code_challenge_method")).toBe("S256");
    for (const name of ["state", "nonce", "code_challenge"]) expect(sent.get(name)).toMatch(/^[\w-]{43}$/);
    expect(sent.get("redirect_uri")).toBe(stage.url + CALLBACK);
    expect(String(answer.headers["location"])).not.toContain(issuer.client.clientSecret);
  });

  test("an e-mail counts in whatever letters it comes", async () => {
    issuer.who = { email: "ADA@Round.Example", email_verified: true };
    expect((await signIn()).status).toBe(200);
  });

  test("the session gets a new id when somebody has signed in", async () => {
    const browser = webBrowser();
    const answer = await answerFor(browser);
    const before = browser.cookiesOf(stage.url).get("stallholder_console");
    await browser.open(answer.href);
    expect(before).toBeDefined();
    expect(browser.cookiesOf(stage.url).get("stallholder_console")).not.toBe(before);
  });

  test("nobody is led to another site afterwards", async () => {
    expect((await webBrowser().open(start("//evil.example"))).url).toBe(`${stage.url}/console`);
  });

  test.each([
    ["a stranger", { email: "eve@elsewhere.example", email_verified: true }, "Ask somebody who is admin"],
    ["an e-mail that is not verified", { email: ADA, email_verified: false }, "has not verified"],
    ["a letter that folds into another", { email: ADA.replace("a", "а"), email_verified: true }, "no e-mail that"],
    ["no e-mail at all", {}, "names no e-mail"],
  ])("%s is refused on a page that says why", async (_, who, why) => {
    issuer.who = who;
    const browser = webBrowser();
    const shown = await signIn(browser);
    expect(shown.status).toBe(403);
    expect(shown.text).toContain(why);
    expect(shown.text).toContain("Back to the sign-in");
    expect((await browser.open(`${stage.url}/console`)).url).toContain("/console/sign-in?");
  });

  const now = () => Math.floor(Date.now() / 1_000);

  test.each<[string, (claims: JWTPayload) => JWTPayload, KeyObject | undefined]>([
    ["for another audience", (claims) => ({ ...claims, aud: "another-client" }), undefined],
    ["that has expired", (claims) => ({ ...claims, iat: now() - 7_200, exp: now() - 3_600 }), undefined],
    ["of another issuer", (claims) => ({ ...claims, iss: "https://evil.example" }), undefined],
    ["for another question", (claims) => ({ ...claims, nonce: "x".repeat(43) }), undefined],
    ["that another key has signed", (claims) => claims, newKey()],
  ])("an ID token %s is refused, and nobody is signed in", async (_, alter, forger) => {
    issuer.alter = (claims) => claims;
    expect((await signIn()).status).toBe(200);
    Object.assign(issuer, { alter, forger });
    const told = (await entries()).length;
    const browser = webBrowser();
    const shown = await signIn(browser);
    expect([shown.status, shown.text]).toEqual([403, expect.stringContaining("cannot be believed")]);
    expect((await browser.open(`${stage.url}/console`)).url).toContain("/console/sign-in?");
    expect(await entries()).toHaveLength(told);
  });

  test("another state is refused, and so is an answer that another browser had asked for", async () => {
    const browser = webBrowser();
    const answer = await answerFor(browser);
    answer.searchParams.set("state", "x".repeat(43));
    expect((await browser.open(answer.href)).status).toBe(403);
    expect((await webBrowser().open((await answerFor(webBrowser())).href)).status).toBe(403);
  });

  test("an answer counts once", async () => {
    const browser = webBrowser();
    const answer = await answerFor(browser);
    expect((await browser.open(answer.href)).status).toBe(200);
    expect((await browser.open(answer.href)).status).toBe(403);
    const other = webBrowser();
    const mixed = await answerFor(other);
    mixed.searchParams.set("code", answer.searchParams.get("code") ?? "");
    expect((await other.open(mixed.href)).status).toBe(403);
  });

  test("ten minutes after it was asked for, an answer comes too late", async () => {
    const browser = webBrowser();
    const answer = await answerFor(browser);
    shop.clock.advance(11 * MINUTE);
    expect((await browser.open(answer.href)).status).toBe(403);
  });

  test("of strangers' sessions the oldest go, and none stays longer than it may", async () => {
    await answerFor(webBrowser());
    shop.clock.advance(11 * MINUTE);
    await answerFor(webBrowser());
    expect(await shop.look("select from console_sessions where person is null")).toHaveLength(1);
  });
});

describe("a provider of OpenID Connect that is not well", () => {
  const consoleWith = (url: string) =>
    consoleOf(shop, { oidc: { issuer: url, ...issuer.client, seconds: 0.3 }, attempts: failedAttempts() });

  /** The token still works, whatever the provider does. */
  async function othersComeIn(url: string): Promise<void> {
    await supertest(url).post("/console/sign-in").type("form").send({ token: OPERATOR_TOKEN }).expect(303);
  }

  test("that is down is said to be, others come in meanwhile, and it is asked again", async () => {
    const { url, server } = await listen(express());
    server.close();
    const down = await consoleWith(url);
    const shown = await webBrowser().open(`${down.url}/console/sign-in/oidc`);
    expect(shown.status).toBe(503);
    expect(shown.text).toContain("does not answer");
    await othersComeIn(down.url);
  });

  test("that never answers is not waited for", async () => {
    const app = express();
    app.use(async (_request, response) => {
      await sleep(60_000, undefined, { ref: false });
      response.end();
    });
    const slow = await consoleWith((await listen(app)).url);
    const shown = await webBrowser().open(`${slow.url}/console/sign-in/oidc`);
    expect(shown.status).toBe(503);
    await othersComeIn(slow.url);
  });

  test("that answers something else is told apart, and works again as soon as it is well", async () => {
    const fresh = await consoleOf(shop, { oidc: { issuer: issuer.url, ...issuer.client } });
    issuer.instead = (_request, response) => {
      response.json({ issuer: "https://evil.example" });
    };
    const shown = await webBrowser().open(`${fresh.url}/console/sign-in/oidc`);
    expect(shown.status).toBe(502);
    issuer.instead = undefined;
    await supertest(fresh.url).get("/console/sign-in/oidc").expect(302);
  });

  test.each<[string, RequestHandler]>([
    ["fails", (_request, response) => void response.status(500).end()],
    ["has gone", (request) => void request.socket.destroy()],
  ])("that %s when it is asked for tokens lets nobody in, and is well again for the next", async (_, instead) => {
    const browser = webBrowser();
    const answer = await answerFor(browser);
    issuer.instead = instead;
    const shown = await browser.open(answer.href);
    expect([shown.status, shown.text]).toEqual([503, expect.stringContaining("does not answer")]);
    issuer.instead = undefined;
    expect((await signIn(browser)).status).toBe(200);
  });
});
