import { setTimeout as sleep } from "node:timers/promises";
import supertest from "supertest";
import { failedAttempts } from "../src/http/failed-attempts.ts";
import { MINUTE } from "./support/clock.ts";
import { becomes, type ConsoleStage, consoleOf } from "./support/console.ts";
import { closeServers } from "./support/listen.ts";
import { closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { EMAIL_FORMAT, ENTITY, formIn, type SamlIssuer, samlIssuer } from "./support/saml-issuer.ts";
import { type WebBrowser, webBrowser } from "./support/web-browser.ts";

const ADA = "ada@round.example";
const CONSUMER = "/console/saml/acs";

let shop: TestProvider;
let issuer: SamlIssuer;
let stage: ConsoleStage;

beforeAll(async () => {
  shop = await testProvider();
  await becomes(shop, ADA, "operator");
  issuer = await samlIssuer();
  stage = await consoleOf(shop, { saml: issuer.settings, attempts: failedAttempts({ limit: 1_000 }) });
  issuer.serve(stage.url + CONSUMER);
});

beforeEach(() => {
  issuer.asserts = { name: ADA, format: EMAIL_FORMAT, attributes: {}, more: {} };
});

afterAll(async () => {
  await closeServers();
  await closeProviders();
});

/** The provider's answer, which the browser has not posted yet. */
async function answerFor(browser: WebBrowser): Promise<string> {
  const page = await browser.open(`${stage.url}/console/sign-in/saml?to=/console/tenants`);
  const { action, fields } = formIn(page.text);
  expect(action).toBe(stage.url + CONSUMER);
  return fields["SAMLResponse"] ?? "";
}

const post = (browser: WebBrowser, SAMLResponse: string) =>
  browser.open(stage.url + CONSUMER, { form: { SAMLResponse } });

async function signIn(browser: WebBrowser = webBrowser()) {
  return post(browser, await answerFor(browser));
}

/** Who waits for a lock of this very connection, or for somebody who does. */
const BEHIND_US = `
  with recursive behind as (
    select pg_backend_pid() as pid
    union
    select l.pid from pg_locks l join behind b on b.pid = any(pg_blocking_pids(l.pid)) where not l.granted
  )
  select from behind where pid <> pg_backend_pid()`;

const altered = (answer: string, change: (xml: string) => string): string => {
  const xml = Buffer.from(answer, "base64").toString();
  const other = change(xml);
  expect(other).not.toBe(xml);
  return Buffer.from(other).toString("base64");
};

describe("sign-in by SAML", () => {
  test("whoever the provider vouches for comes in and is led to the page that was wanted", async () => {
    const page = await supertest(stage.url).get("/console/sign-in").expect(200);
    expect(page.text).toContain('href="/console/sign-in/saml?to=%2Fconsole"');
    const shown = await signIn();
    expect(shown.url).toBe(`${stage.url}/console/tenants`);
    expect(shown.text).toContain(ADA);
    const told = await shop.look("select by, data from audit_entries where action = 'person.signed_in'");
    expect(told).toEqual([{ by: `operator:${ADA}`, data: { way: "saml" } }]);
  });

  test.each(["mail", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"])(
    "the e-mail may stand in the attribute %s",
    async (attribute) => {
      const format = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
      issuer.asserts = { name: "12345", format, attributes: { [attribute]: "ADA@round.example" }, more: {} };
      expect((await signIn()).status).toBe(200);
    },
  );

  test("the metadata name us, and where answers are taken", async () => {
    const { text, type } = await supertest(stage.url).get("/console/saml/metadata").expect(200);
    expect(type).toBe("application/samlmetadata+xml");
    for (const part of [ENTITY, stage.url + CONSUMER, 'WantAssertionsSigned="true"']) expect(text).toContain(part);
  });

  test.each([
    ["a stranger", { name: "eve@elsewhere.example" }, "Ask somebody who is admin"],
    ["nobody's e-mail", { format: "urn:oasis:names:tc:SAML:2.0:nameid-format:transient" }, "names no e-mail"],
    ["an assertion for another audience", { more: { audience: "https://other.example" } }, "cannot be believed"],
    ["an assertion for another address", { more: { recipient: "https://other.example/acs" } }, "cannot be believed"],
    ["an assertion that has expired", { more: { lifetimeInSeconds: -600 } }, "cannot be believed"],
    ["an assertion without a signature", { more: { signAssertion: false } }, "cannot be believed"],
    ["an answer to nothing that was asked", { more: { inResponseTo: "_of-somebody-else" } }, "cannot be believed"],
  ])("%s is refused on a page that says why", async (_, wrong, why) => {
    issuer.asserts = { ...issuer.asserts, ...wrong };
    const browser = webBrowser();
    const shown = await signIn(browser);
    expect(shown.status).toBe(403);
    expect(shown.text).toContain(why);
    expect((await browser.open(`${stage.url}/console`)).url).toContain("/console/sign-in?");
  });

  test("an assertion that was altered is refused, and so is one that stands beside a forged one", async () => {
    issuer.asserts.name = "eve@elsewhere.example";
    const browser = webBrowser();
    const answer = await answerFor(browser);
    expect(
      (
        await post(
          browser,
          altered(answer, (xml) => xml.replace("eve@elsewhere.example", ADA)),
        )
      ).status,
    ).toBe(403);
    const doubled = altered(answer, (xml) => {
      const [assertion = ""] = /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(xml) ?? [];
      const forged = assertion.replace(/<Signature[\s\S]*<\/Signature>/, "").replace("eve@elsewhere.example", ADA);
      return xml.replace(assertion, forged + assertion);
    });
    expect((await post(browser, doubled)).status).toBe(403);
  });

  test("an assertion that answers one question does not serve in the frame of another", async () => {
    const [first, second] = [webBrowser(), webBrowser()];
    const [stolen, own] = [await answerFor(first), await answerFor(second)];
    const idOf = (answer: string) =>
      /<samlp:Response[^>]*InResponseTo="([^"]+)"/.exec(Buffer.from(answer, "base64").toString())?.[1] ?? "";
    const wrapped = altered(stolen, (xml) => xml.replace(idOf(stolen), idOf(own)));
    expect((await post(second, wrapped)).status).toBe(403);
  });

  test("an answer counts once, even if two come at the same moment", async () => {
    const browser = webBrowser();
    const answer = await answerFor(browser);
    const send = () =>
      supertest(stage.url)
        .post(CONSUMER)
        .type("form")
        .send({ SAMLResponse: answer })
        .redirects(0)
        .ok(() => true);
    // Both stand before the question's row, which is ours, before either may go on.
    await shop.look("begin");
    await shop.look("select from console_saml_requests for update");
    const both = Promise.all([send(), send()]);
    let behindUs = 0;
    for (const ends = performance.now() + 20_000; behindUs < 2 && performance.now() < ends; await sleep(10))
      behindUs = (await shop.look(BEHIND_US)).length;
    await shop.look("commit");
    expect(behindUs).toBe(2);
    const statuses = (await both).map(({ status }) => status);
    expect(statuses.sort()).toEqual([303, 403]);
    expect((await browser.open(`${stage.url}/console/sign-in/saml/done`)).status).toBe(200);
    expect((await post(browser, answer)).status).toBe(403);
    expect((await browser.open(`${stage.url}/console/sign-in/saml/done`)).status).toBe(403);
  });

  test("an answer signs in the browser that asked, and no other", async () => {
    const answer = await answerFor(webBrowser());
    const victim = webBrowser();
    expect((await post(victim, answer)).status).toBe(403);
    await answerFor(victim);
    expect((await victim.open(`${stage.url}/console/sign-in/saml/done`)).status).toBe(403);
  });

  test("ten minutes after it was asked for, an answer comes too late", async () => {
    const browser = webBrowser();
    const answer = await answerFor(browser);
    shop.clock.advance(11 * MINUTE);
    expect((await post(browser, answer)).status).toBe(403);
    await answerFor(webBrowser());
    expect(await shop.look("select from console_saml_requests")).toHaveLength(1);
  });

  test("another process takes the answer", async () => {
    const secrets = [Buffer.alloc(32, 3)];
    const [one, two] = [await consoleOf(shop, { saml: issuer.settings, secrets }), stage];
    const asked = webBrowser();
    const page = await asked.open(`${one.url}/console/sign-in/saml`);
    const { fields } = formIn(page.text);
    // The provider posts to the address it knows: there another process listens.
    const answer = await supertest(two.url)
      .post(CONSUMER)
      .type("form")
      .send(fields)
      .redirects(0)
      .ok(() => true);
    expect(answer.status).toBe(303);
    expect((await asked.open(`${one.url}/console/sign-in/saml/done`)).url).toBe(`${one.url}/console`);
  });

  test.each(["", "not base64 at all", Buffer.from("<a").toString("base64"), Buffer.from("<a/>").toString("base64")])(
    "what is no answer is refused: %s",
    async (text) => {
      expect((await post(webBrowser(), text)).status).toBe(403);
    },
  );

  test("a message in the address is not looked at, here or at the start", async () => {
    for (const path of [CONSUMER, "/console/sign-in/saml"]) {
      const ask = path === CONSUMER ? supertest(stage.url).post(path) : supertest(stage.url).get(path);
      const answer = await ask
        .query({ SAMLRequest: "fZ" })
        .type("form")
        .ok(() => true);
      expect(answer.status).toBe(403);
    }
  });
});
