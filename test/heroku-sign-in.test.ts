import { parseForm } from "../src/http/form.ts";
import { verifiedClaim } from "../src/marketplaces/heroku/sign-in/claim.ts";
import { MINUTE } from "./support/clock.ts";
import {
  ask,
  buy,
  closeShops,
  type HerokuShop,
  herokuShop,
  idToken,
  nowIn,
  postSignIn,
  SALTS,
  signInForm,
} from "./support/heroku.ts";
import { type Bought, type Fields, setCookies, signInsOf } from "./support/heroku-sign-ins.ts";
import { hangs } from "./support/scripted-product.ts";

let shop: HerokuShop;

beforeAll(async () => {
  shop = await herokuShop({ budgets: { product: 100, parting: 100 } });
});

beforeEach(() => shop.provider.clock.advance(MINUTE));
afterEach(() => shop.provider.product.reset());
afterAll(closeShops);

const { formOf, only, link, sessionIn, dashboard } = signInsOf(() => shop);

test("the formulas are the Dev Center's", () => {
  expect(idToken("123", 1267597772)).toBe("bb466eb1d6bc345d11072c3cd25c311f21be130d");
  const uuid = "01234567-89ab-cdef-0123-456789abcdef";
  const fields = signInForm({ uuid, id: uuid }, 1267597772);
  expect(fields.resource_token).toBe("7659cc00fc08ff8b7bb76cd8c9762bcf528b4173");
  expect(fields.user_scoped_resource_token).toBe("522bbea964f781754d46d04a00d25b31dc231d6abef9ddd37225ead1b55a7183");
  const form = parseForm(Buffer.from(new URLSearchParams(fields).toString()));
  expect(verifiedClaim(form, SALTS, new Date(1267597772_000))).toMatchObject({ ids: [uuid], second: 1267597772 });
});

describe("A right sign-in", () => {
  test("is redirected to the dashboard, with a session of the tenant and the person", async () => {
    const bought = await buy(shop);
    const form = formOf(bought, { next: "https://evil.example", return_to: "//evil.example" });
    const answer = await postSignIn(shop, form);
    expect([answer.status, answer.headers.get("location")]).toEqual([302, "/dashboard"]);
    const person = { id: form["user_id"], email: "username@example.com" };
    expect(await dashboard(sessionIn(answer))).toEqual({ tenant: bought.id, person });
  });

  test("sets the cookie heroku-nav-data to what was sent, out of reach of scripts", async () => {
    const answer = await postSignIn(shop, formOf(await buy(shop)));
    expect(setCookies(answer)).toContain("heroku-nav-data=eyJhZGRvbiI6IkFjbWUifQ; Path=/; HttpOnly; SameSite=Lax");
  });

  test.each(["a\r\nSet-Cookie: x=1", "a;b", "a b", "ä", "x".repeat(4_000), "", "<script>"])(
    "drops nav-data that is no base64 (%#)",
    async (navData) => {
      const answer = await postSignIn(shop, formOf(await buy(shop), { "nav-data": navData }));
      expect(answer.status).toBe(302);
      expect(setCookies(answer).map((cookie) => cookie.split("=")[0])).toEqual(["stallholder"]);
    },
  );

  test("is taken by the user-scoped token alone, by the resource token alone, and by the older token", async () => {
    const by: ((bought: Bought) => Fields)[] = [
      (bought) => only(formOf(bought), "resource_id", "user_scoped_resource_token", "user_id", "email", "timestamp"),
      (bought) => only(formOf(bought), "resource_id", "resource_token", "timestamp"),
      (bought) => only(formOf(bought), "id", "token", "timestamp", "email"),
      (bought) => ({ id: bought.uuid, token: idToken(bought.uuid, nowIn(shop)), timestamp: String(nowIn(shop)) }),
      (bought) => ({
        resource_id: bought.id,
        resource_token: idToken(bought.id, nowIn(shop)),
        timestamp: String(nowIn(shop)),
      }),
    ];
    for (const fields of by) expect((await postSignIn(shop, fields(await buy(shop)))).status).toBe(302);
  });

  test("may come as a link, as Heroku once sent it, with either id", async () => {
    for (const which of ["id", "uuid"] as const) {
      const bought = await buy(shop);
      const timestamp = String(nowIn(shop));
      const fields = {
        token: idToken(bought[which], timestamp),
        timestamp,
        "nav-data": "eyJ9",
        email: "a@b.c",
        app: "shop",
      };
      const answer = await link(bought[which], fields);
      expect([answer.status, answer.headers.get("location")]).toEqual([302, "/dashboard"]);
      expect(await dashboard(sessionIn(answer))).toMatchObject({ tenant: bought.id });
      expect(setCookies(answer)[0]).toContain("heroku-nav-data=eyJ9");
    }
  });

  test("is taken with both salts during a rotation", async () => {
    for (const salt of SALTS) {
      const bought = await buy(shop);
      expect((await postSignIn(shop, signInForm(bought, nowIn(shop), salt))).status).toBe(302);
    }
    expect((await postSignIn(shop, signInForm(await buy(shop), nowIn(shop), "another"))).status).toBe(403);
  });

  test("starts a new session and ends the one the browser brought", async () => {
    const planted = sessionIn(await postSignIn(shop, formOf(await buy(shop))));
    const answer = await postSignIn(shop, formOf(await buy(shop)), { cookie: planted });
    expect(answer.status).toBe(302);
    expect(sessionIn(answer)).not.toBe(planted);
    expect(await dashboard(planted)).toBeNull();
  });

  test("ends with the tenant", async () => {
    const bought = await buy(shop);
    const cookie = sessionIn(await postSignIn(shop, formOf(bought)));
    await ask(shop, "DELETE", `/resources/${bought.id}`);
    expect(await dashboard(cookie)).toBeNull();
  });

  test("has Secure cookies and the __Host- prefix where the public address is https", async () => {
    const https = await herokuShop({ publicUrl: "https://addons.example" });
    const bought = await buy(https);
    const behindTls = { "x-forwarded-proto": "https" };
    const cookies = setCookies(await postSignIn(https, signInForm(bought, nowIn(https)), behindTls));
    expect(cookies).toEqual([
      expect.stringMatching(/^heroku-nav-data=.*; Secure/),
      expect.stringMatching(/^__Host-stallholder=.*Path=\/; HttpOnly; Secure; SameSite=Lax$/),
    ]);
  });

  test("is possible while the tenant is provisioning or suspended", async () => {
    shop.provider.product.answer(hangs);
    const provisioning = await buy(shop);
    expect((await postSignIn(shop, formOf(provisioning))).status).toBe(302);
    const { id, uuid } = await buy(shop);
    await shop.provider.suspend({ ref: { tenant: id }, reason: "unpaid", by: "operator:1", at: new Date() });
    expect((await postSignIn(shop, formOf({ id, uuid }))).status).toBe(302);
  });
});

test("every sign-in is a lifecycle event, and no token is stored", async () => {
  const bought = await buy(shop);
  const form = formOf(bought);
  await postSignIn(shop, form);
  const [event] = await shop.provider.look<{ data: unknown }>(
    "select data from lifecycle_events where tenant_id = $1 and type = 'signed_in'",
    [bought.id],
  );
  expect(event?.data).toEqual({ email: "username@example.com" });
  const rows = await shop.provider.look("select u::text from used_sign_ins u where tenant_id = $1", [bought.id]);
  for (const name of ["token", "resource_token", "user_scoped_resource_token"])
    expect(JSON.stringify(rows)).not.toContain(form[name]);
});
