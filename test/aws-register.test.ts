import fc from "fast-check";
import {
  type AwsShop,
  arrive,
  awsShop,
  browse,
  closeAwsShops,
  event,
  type Jar,
  jarOf,
  type Purchase,
  purchaseOf,
  rowOf,
  sendEvent,
  settle,
  tokenFor,
} from "./support/aws.ts";
import { HOUR, MINUTE } from "./support/clock.ts";

let shop: AwsShop;

beforeAll(async () => {
  shop = await awsShop();
});
afterAll(closeAwsShops);

const licensed = (one: Purchase): Promise<void> =>
  sendEvent(shop, event("License Updated", one, shop.provider.clock.now())).then(() => settle(shop));
const whoIs = async (jar: Jar) => JSON.parse((await browse(shop, "/dashboard", jar)).text) as { tenant: string } | null;
const sessions = async () => (await shop.provider.look("select from sessions")).length;

describe("the fulfilment URL", () => {
  test("takes multipart as well, and each token byte for byte, in either type", async () => {
    const alphabet = fc.constantFrom(..."ABCxyz0189+/=");
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: alphabet, minLength: 1, maxLength: 300 }),
        fc.boolean(),
        async (token, parts) => {
          shop.aws.asked.length = 0;
          const form = new FormData();
          form.set("x-amzn-marketplace-token", token);
          const body = parts ? form : new URLSearchParams({ "x-amzn-marketplace-token": token });
          await browse(shop, "/aws/register", jarOf(), { method: "POST", body });
          expect(shop.aws.asked).toEqual([`resolve ${token}`]);
        },
      ),
      { numRuns: 40 },
    );
  });

  test.each<[string, string, number]>([
    ["no token", "", 400],
    ["an empty token", "x-amzn-marketplace-token=", 400],
    ["a token whose + was decoded twice", "x-amzn-marketplace-token=a+b%2Fc", 400],
    ["a token twice", "x-amzn-marketplace-token=a&x-amzn-marketplace-token=b", 400],
    ["a token that is far too long", `x-amzn-marketplace-token=${"a".repeat(20_000)}`, 400],
    ["a broken escape", "x-amzn-marketplace-token=%zz", 400],
    ["a body that is too large", `x=${"a".repeat(70_000)}`, 413],
  ])("answers %s with a page that says what to do, and does not ask AWS", async (_, body, status) => {
    shop.aws.asked.length = 0;
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const visit = await browse(shop, "/aws/register", jarOf(), { method: "POST", body, headers });
    expect(visit.status).toBe(status);
    expect(visit.text).toContain("<h1>");
    expect(visit.text).toContain("help@acme.example");
    expect(shop.aws.asked).toEqual([]);
  });

  test("answers what is no form, and a form with a file, as malformed", async () => {
    const file = new FormData();
    file.set("x-amzn-marketplace-token", new Blob(["token"]), "token.txt");
    const json = { method: "POST", body: "{}", headers: { "content-type": "application/json" } };
    for (const init of [json, { method: "POST", body: file }])
      expect((await browse(shop, "/aws/register", jarOf(), init)).status).toBe(400);
  });

  test("is a help page for whoever reloads or bookmarks it", async () => {
    for (const method of ["GET", "HEAD"]) {
      const visit = await browse(shop, "/aws/register", jarOf(), { method });
      expect([visit.status, visit.cookies]).toEqual([200, []]);
    }
    expect((await browse(shop, "/aws/register")).text).toContain("Set up your account");
  });

  test("tells the buyer of a token that is invalid or expired, and ourselves of settings that are wrong", async () => {
    shop.aws.tokens.set("old", { kind: "expired_token" });
    shop.aws.tokens.set("ours", { kind: "misconfigured", code: "AccessDeniedException", message: "not allowed" });
    expect(await arrive(shop, "none")).toMatchObject({
      status: 400,
      text: expect.stringContaining("AWS does not know"),
    });
    expect(await arrive(shop, "old")).toMatchObject({ status: 400, text: expect.stringContaining("has expired") });
    const visit = await arrive(shop, "ours");
    expect(visit.status).toBe(503);
    expect(visit.text).not.toContain("AccessDenied");
    expect(shop.lines.some((line) => line.includes("AccessDeniedException") && line.includes('"level":"error"'))).toBe(
      true,
    );
  });

  test("goes on by itself when AWS could not answer, and keeps the token sealed only until then", async () => {
    const one = purchaseOf();
    const token = tokenFor(shop, one);
    const resolved = shop.aws.tokens.get(token);
    shop.aws.tokens.set(token, { kind: "throttled" });
    const jar = jarOf();
    expect(await arrive(shop, token, jar)).toMatchObject({ status: 303, location: "/aws/setup" });
    expect((await browse(shop, "/aws/setup", jar)).text).toContain("Being checked");
    if (resolved) shop.aws.tokens.set(token, resolved);
    await licensed(one);
    for (let n = 0; n < 5; n += 1) {
      shop.provider.clock.advance(20_000);
      await settle(shop);
      await new Promise((done) => setTimeout(done, 50));
    }
    await settle(shop);
    expect(await rowOf(shop, one.arn)).toMatchObject({ tenant_state: "active" });
    expect((await browse(shop, "/aws/setup", jar)).text).toContain("Open your dashboard");
    const left = await shop.provider.look(
      "select from aws_tokens where sealed is not null and licence_key is not null",
    );
    expect(left).toEqual([]);
  });

  test("refuses a purchase of another product, and a licence that another account has", async () => {
    const one = purchaseOf();
    const token = tokenFor(shop, one);
    shop.aws.tokens.set(token, { kind: "resolved", productCode: "foreign", licenceArn: one.arn });
    expect(await arrive(shop, token)).toMatchObject({ status: 422, text: expect.stringContaining("another product") });
    const two = purchaseOf();
    await arrive(shop, tokenFor(shop, two));
    const stolen = await arrive(shop, tokenFor(shop, { ...two, account: "999999999999" }));
    expect(stolen).toMatchObject({ status: 409, text: expect.stringContaining("another AWS account") });
    expect(stolen.cookies).toEqual([]);
  });

  test("takes the same token again, from any browser, without harm and without another session", async () => {
    const one = purchaseOf();
    await licensed(one);
    const token = tokenFor(shop, one);
    const jar = jarOf();
    await arrive(shop, token, jar);
    const [tenant, count] = [await whoIs(jar), await sessions()];
    expect(tenant).not.toBeNull();
    const other = jarOf();
    for (let n = 0; n < 3; n += 1) {
      const visit = await arrive(shop, token, other);
      expect([visit.status, visit.location, visit.cookies]).toEqual([303, "/aws/setup", []]);
    }
    expect(await whoIs(other)).toBeNull();
    expect((await browse(shop, "/aws/setup", other)).text).toContain("Please come from AWS Marketplace");
    expect(await sessions()).toBe(count);
  });

  test("signs nobody in twice when the same token comes many times at once", async () => {
    const one = purchaseOf();
    await licensed(one);
    const token = tokenFor(shop, one);
    const before = await sessions();
    const visits = await Promise.all(Array.from({ length: 8 }, () => arrive(shop, token)));
    expect(new Set(visits.map(({ status }) => status))).toEqual(new Set([303]));
    expect(visits.filter(({ cookies }) => cookies.length > 0)).toHaveLength(1);
    expect(await sessions()).toBe(before + 1);
  });

  test("signs a buyer in who comes back with a fresh token", async () => {
    const one = purchaseOf();
    await licensed(one);
    await arrive(shop, tokenFor(shop, one));
    const { tenant_id } = (await rowOf(shop, one.arn)) ?? {};
    const jar = jarOf();
    expect(await arrive(shop, tokenFor(shop, one), jar)).toMatchObject({ status: 303, location: "/dashboard" });
    expect(await whoIs(jar)).toMatchObject({ tenant: tenant_id });
  });

  test("puts the token nowhere: not in an address, a cookie, a page, the log or a column", async () => {
    const one = purchaseOf();
    const secret = "SECRETsecretTOKENtoken0123456789";
    const resolved = shop.aws.tokens.get(tokenFor(shop, one));
    if (resolved) shop.aws.tokens.set(secret, resolved);
    const visit = await arrive(shop, secret);
    expect(JSON.stringify([visit, shop.lines])).not.toContain(secret);
    const rows = await shop.provider.look(
      "select t::text from aws_tokens t union all select l::text from aws_licences l",
    );
    expect(JSON.stringify(rows)).not.toContain(secret);
  });

  test("knows a free trial by the form", async () => {
    const one = purchaseOf();
    await licensed(one);
    const jar = jarOf();
    await arrive(shop, tokenFor(shop, one), jar, { "x-amzn-marketplace-offer-type": "free-trial" });
    expect((await browse(shop, "/aws/setup", jar)).text).toContain("Free trial");
  });
});

describe("the sign-up page", () => {
  async function registered(): Promise<{ one: Purchase; jar: Jar }> {
    const one = purchaseOf();
    const jar = jarOf();
    await arrive(shop, tokenFor(shop, one), jar);
    return { one, jar };
  }

  test("waits for the licence, says so, and signs its buyer in once the tenant is there", async () => {
    const { one, jar } = await registered();
    const waiting = await browse(shop, "/aws/setup", jar);
    expect(waiting.text).toContain("Waiting for AWS");
    expect(waiting.text).toContain('hx-get="/aws/setup/progress"');
    expect(await whoIs(jar)).toBeNull();
    await licensed(one);
    const part = await browse(shop, "/aws/setup/progress", jar);
    expect(part.text).toMatch(/^<section id="progress"(?!.*hx-get).*Open your dashboard/);
    expect(await whoIs(jar)).not.toBeNull();
  });

  test("shows state, terms and help, and asks for no payment data", async () => {
    const { one, jar } = await registered();
    await licensed(one);
    const { text } = await browse(shop, "/aws/setup", jar);
    for (const part of [
      "Active",
      "Pay as you go",
      one.account,
      one.agreement,
      "accepted in AWS Marketplace",
      "help@acme.example",
    ])
      expect(text).toContain(part);
    expect(text).not.toMatch(/card number|iban|payment method/i);
  });

  test("keeps the contact sealed, shows it again, and forgets it with the tenant", async () => {
    const { one, jar } = await registered();
    await licensed(one);
    const { text } = await browse(shop, "/aws/setup", jar);
    const form_token = /name="form_token" value="([^"]+)"/.exec(text)?.[1] ?? "";
    const post = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
      browse(shop, "/aws/setup/contact", jar, { method: "POST", body: new URLSearchParams(fields), headers });
    const contact = { name: "Ada", company: "Acme", email: "ada@acme.example" };
    expect((await post(contact)).status).toBe(403);
    expect((await post({ ...contact, form_token }, { "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect((await post({ ...contact, form_token, email: "none" })).status).toBe(422);
    expect(await post({ ...contact, form_token })).toMatchObject({ status: 303, location: "/aws/setup?saved=yes" });
    expect((await browse(shop, "/aws/setup?saved=yes", jar)).text).toContain("ada@acme.example");
    const sealed = async () =>
      (
        await shop.provider.look<{ contact_sealed: string | null }>(
          "select contact_sealed from aws_licences where key = $1",
          [one.arn],
        )
      )[0]?.contact_sealed;
    expect(await sealed()).toMatch(/^v1\./);
    const { tenant_id } = (await rowOf(shop, one.arn)) ?? {};
    const found = await shop.provider.findTenant({ tenant: String(tenant_id) });
    if (found === undefined) throw new Error("There is no tenant.");
    const texts = await shop.marketplace.describe(found);
    expect(texts).toMatchObject({ title: "AWS Marketplace", people: [{ email: "ada@acme.example" }] });
    expect(texts.terms).toContainEqual({ term: "Subscription", text: "Active" });
    await shop.provider.deprovision({
      ref: { tenant: String(tenant_id) },
      by: "operator:1",
      at: shop.provider.clock.now(),
    });
    expect(await sealed()).toBeNull();
  });

  test("says that a subscription has ended, and signs nobody in", async () => {
    const { one, jar } = await registered();
    await sendEvent(shop, event("License Updated", one, new Date(shop.provider.clock.now().getTime() - HOUR)));
    await sendEvent(shop, event("Purchase Agreement Ended", one, shop.provider.clock.now(), { status: "CANCELLED" }));
    await sendEvent(shop, event("License Deprovisioned", one, shop.provider.clock.now()));
    await settle(shop);
    expect((await browse(shop, "/aws/setup", jar)).text).toContain("This subscription has ended");
    const back = jarOf();
    expect(await arrive(shop, tokenFor(shop, one), back)).toMatchObject({ status: 303, location: "/aws/setup" });
    expect((await browse(shop, "/aws/setup", back)).text).toContain("This subscription has ended");
    expect(await whoIs(back)).toBeNull();
  });

  test("knows a browser by a sealed cookie that scripts cannot read, for some hours", async () => {
    const { jar } = await registered();
    const [cookie] = (await arrive(shop, tokenFor(shop, purchaseOf()), jarOf())).cookies;
    expect(cookie).toMatch(/^stallholder-setup=v1\.[^;]+; Max-Age=14400; Path=\/aws;.*HttpOnly; SameSite=Lax$/);
    const forged = new Map([["stallholder-setup", `${jar.get("stallholder-setup")}x`]]);
    expect((await browse(shop, "/aws/setup", forged)).text).toContain("Please come from AWS Marketplace");
    shop.provider.clock.advance(5 * HOUR);
    expect((await browse(shop, "/aws/setup", jar)).text).toContain("Please come from AWS Marketplace");
    shop.provider.clock.advance(MINUTE);
  });

  test("behind TLS has a cookie that goes nowhere else", async () => {
    const secure = await awsShop({ publicUrl: "https://addons.example" });
    const [cookie] = (await arrive(secure, tokenFor(secure, purchaseOf()))).cookies;
    expect(cookie).toMatch(/^__Secure-stallholder-setup=.*Secure/);
  });
});
