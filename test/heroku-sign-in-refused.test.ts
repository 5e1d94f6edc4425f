import { createHash } from "node:crypto";
import { verifiedClaim } from "../src/marketplaces/heroku/sign-in/claim.ts";
import { Refused } from "../src/product/product.ts";
import { MINUTE } from "./support/clock.ts";
import {
  type Answer,
  ask,
  buy,
  closeShops,
  type HerokuShop,
  herokuShop,
  idToken,
  nowIn,
  order,
  postSignIn,
  SALTS,
  signInForm,
  userToken,
} from "./support/heroku.ts";
import { setCookies, signInsOf } from "./support/heroku-sign-ins.ts";

let shop: HerokuShop;

beforeAll(async () => {
  shop = await herokuShop({ budgets: { product: 100, parting: 100 } });
});

beforeEach(() => shop.provider.clock.advance(MINUTE));
afterEach(() => shop.provider.product.reset());
afterAll(closeShops);

const { formOf, only, link, sessionIn, dashboard } = signInsOf(() => shop);

/** 403, no cookie, and the same page for every one of them. */
function expectRefused(answer: Answer): void {
  expect(answer.status).toBe(403);
  expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(setCookies(answer)).toEqual([]);
  refusals.add(answer.text);
}
const refusals = new Set<string>();
afterAll(() => expect(refusals.size).toBe(1));

describe("A sign-in is refused", () => {
  test.each([-301, -360, 61, 3_600])("%i seconds from now", async (seconds) => {
    expectRefused(await postSignIn(shop, signInForm(await buy(shop), nowIn(shop) + seconds)));
  });

  test.each([-300, -299, -1, 0, 1, 60])("but not %i seconds from now", async (seconds) => {
    expect((await postSignIn(shop, signInForm(await buy(shop), nowIn(shop) + seconds))).status).toBe(302);
  });

  test.each([
    (now: string) => ` ${now}`,
    (now: string) => `${now} `,
    (now: string) => `+${now}`,
    (now: string) => `${now}.0`,
    (now: string) => `${now}\n`,
    (now: string) => `0${now}`,
    (now: string) => now.replaceAll(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit))),
    () => "1e9",
    () => "",
  ])("when the timestamp is not ten digits, even with the right token for it (%#)", async (write) => {
    const bought = await buy(shop);
    const timestamp = write(String(nowIn(shop)));
    const token = idToken(bought.id, timestamp);
    expectRefused(await postSignIn(shop, { id: bought.id, token, timestamp }));
  });

  test("when an old token was extended behind SHA-1's padding, however the bytes are written", async () => {
    const { uuid } = await buy(shop);
    const [old, fresh] = [nowIn(shop) - 86_400, nowIn(shop)];
    const hashed = Buffer.from(`${uuid}:${SALTS[0]}:${old}`);
    const padding = Buffer.alloc(64 - ((hashed.length + 8) % 64) + 8);
    padding[0] = 0x80;
    padding.writeUInt32BE(hashed.length * 8, padding.length - 4);
    const tail = Buffer.concat([Buffer.from(String(old)), padding, Buffer.from(String(fresh))]);
    const sha1 = (bytes: Buffer): string => createHash("sha1").update(bytes).digest("hex");
    const extended = sha1(Buffer.concat([hashed, padding, Buffer.from(String(fresh))]));
    const raw = [...tail].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
    const asText = encodeURIComponent(tail.toString("latin1"));
    for (const timestamp of [raw, asText]) {
      expectRefused(await postSignIn(shop, `resource_id=${uuid}&resource_token=${extended}&timestamp=${timestamp}`));
    }
    // And where a reader of bodies let all of it through:
    const text = tail.toString("latin1");
    const token = sha1(Buffer.from(`${uuid}:${SALTS[0]}:${text}`));
    const form = new Map([
      ["resource_id", [uuid]],
      ["resource_token", [token]],
      ["timestamp", [text]],
    ]);
    expect(verifiedClaim(form, SALTS, shop.provider.clock.now())).toBeUndefined();
  });

  test("for every change of the token", async () => {
    const bought = await buy(shop);
    const other = await buy(shop);
    const fields = only(formOf(bought), "id", "token", "timestamp");
    const token = fields["token"] ?? "";
    const last = token.endsWith("0") ? "1" : "0";
    const wrong = [
      "",
      token.slice(0, -1),
      `${token}0`,
      token.slice(0, -1) + last,
      token.toUpperCase(),
      ` ${token}`,
      token.slice(0, 7),
      idToken(other.id, nowIn(shop)),
      userToken(bought.id, nowIn(shop), "u", "e"),
      "é".repeat(20),
    ];
    for (const one of wrong) expectRefused(await postSignIn(shop, { ...fields, token: one }));
    expect((await postSignIn(shop, fields)).status).toBe(302);
  });

  test("when the newest token in the form is wrong, though the others are right", async () => {
    const bought = await buy(shop);
    const right = formOf(bought);
    expectRefused(await postSignIn(shop, { ...right, user_scoped_resource_token: "0".repeat(64) }));
    expectRefused(await postSignIn(shop, { ...right, user_scoped_resource_token: "" }));
    const older = only(right, "resource_id", "id", "token", "timestamp");
    expectRefused(await postSignIn(shop, { ...older, resource_token: right["token"] ?? "" }));
    expectRefused(await postSignIn(shop, { ...older, resource_token: "" }));
    expect((await postSignIn(shop, right)).status).toBe(302);
  });

  test("when the user or the e-mail is another than the token covers, or moves the border between them", async () => {
    const bought = await buy(shop);
    const right = formOf(bought);
    expectRefused(await postSignIn(shop, { ...right, email: "admin@example.com" }));
    expectRefused(await postSignIn(shop, { ...right, user_id: "01234567-89ab-cdef-0123-456789abcdef" }));
    const moved = { user_id: `${right["user_id"]}:x`, email: "y" };
    const token = userToken(bought.uuid, nowIn(shop), moved.user_id, moved.email);
    expectRefused(await postSignIn(shop, { ...right, ...moved, user_scoped_resource_token: token }));
    const { user_id: _, ...without } = right;
    expectRefused(await postSignIn(shop, without));
  });

  test("when the two ids name two tenants, or one of them nobody", async () => {
    const bought = await buy(shop);
    const other = await buy(shop);
    expectRefused(await postSignIn(shop, formOf(bought, { id: other.id })));
    expectRefused(await postSignIn(shop, formOf(bought, { id: other.uuid })));
    expectRefused(await postSignIn(shop, formOf(bought, { id: "abcdefghijklmnopqrstuvwxyz" })));
    expectRefused(await postSignIn(shop, formOf(bought, { id: "" })));
    expectRefused(await postSignIn(shop, formOf(bought, { resource_id: other.uuid })));
  });

  test("when a field is repeated, an array, missing, broken or too much", async () => {
    const fields = formOf(await buy(shop));
    const text = new URLSearchParams(fields).toString();
    expectRefused(await postSignIn(shop, `${text}&timestamp=${fields["timestamp"]}`));
    expectRefused(await postSignIn(shop, `${text}&email=a%40b.c`));
    expectRefused(await postSignIn(shop, text.replace("timestamp=", "timestamp%5B%5D=")));
    expectRefused(await postSignIn(shop, text.replace("resource_id=", "resource_id[]=")));
    expectRefused(await postSignIn(shop, ""));
    expectRefused(await postSignIn(shop, "%"));
    expectRefused(await postSignIn(shop, "a=%ff&b=%00"));
    expectRefused(await postSignIn(shop, `a=${"x".repeat(300_000)}`));
    expectRefused(await postSignIn(shop, JSON.stringify(fields), { "content-type": "application/json" }));
    expectRefused(await postSignIn(shop, text, { "content-type": "multipart/form-data; boundary=x" }));
    expectRefused(await postSignIn(shop, text, { "content-type": "" }));
    expect((await postSignIn(shop, text)).status).toBe(302);
  });

  test("the second time, by the same form or by any other token of the same click", async () => {
    const bought = await buy(shop);
    const form = formOf(bought);
    expect((await postSignIn(shop, form)).status).toBe(302);
    expectRefused(await postSignIn(shop, form));
    expectRefused(await postSignIn(shop, only(form, "resource_id", "resource_token", "timestamp")));
    expectRefused(await postSignIn(shop, only(form, "id", "token", "timestamp")));
    expectRefused(await link(bought.id, only(form, "token", "timestamp")));
    expectRefused(await postSignIn(shop, { ...form, resource_id: bought.uuid.toUpperCase() }));
    shop.provider.clock.advance(5 * MINUTE);
    await shop.provider.sweep();
    expectRefused(await postSignIn(shop, form));
    expect((await postSignIn(shop, formOf(bought))).status).toBe(302);
  });

  test("but not a second person in the same second", async () => {
    const bought = await buy(shop);
    const form = formOf(bought);
    const [user, email] = ["01234567-cdef-4567-89ab-cdef01234567", "second@example.com"];
    const token = userToken(bought.uuid, Number(form.timestamp), user, email);
    expect((await postSignIn(shop, form)).status).toBe(302);
    const second = { ...form, user_id: user, email, user_scoped_resource_token: token };
    expect((await postSignIn(shop, second)).status).toBe(302);
    expectRefused(await postSignIn(shop, second));
  });

  test("for all but one of ten that come at once", async () => {
    const form = formOf(await buy(shop));
    const answers = await Promise.all(Array.from({ length: 10 }, () => postSignIn(shop, form)));
    expect(answers.map(({ status }) => status).sort()).toEqual([302, ...Array(9).fill(403)]);
  });

  test("for a resource that is unknown, removed or failed", async () => {
    const unknown = { uuid: order().uuid, id: "abcdefghijklmnopqrstuvwxyz" };
    expectRefused(await postSignIn(shop, only(formOf(unknown), "resource_id", "resource_token", "timestamp")));
    expectRefused(await postSignIn(shop, formOf(unknown)));
    const removed = await buy(shop);
    await ask(shop, "DELETE", `/resources/${removed.id}`);
    expectRefused(await postSignIn(shop, formOf(removed)));
    const body = order();
    shop.provider.product.answer(new Refused("no"));
    await ask(shop, "POST", "/resources", { body });
    expectRefused(
      await postSignIn(shop, only(formOf({ uuid: body.uuid, id: "" }), "resource_id", "resource_token", "timestamp")),
    );
  });

  test("as a link too: wrong token, old, a second id, a broken address, HEAD", async () => {
    const bought = await buy(shop);
    const fields = only(formOf(bought), "token", "timestamp");
    expectRefused(await link(bought.id, { ...fields, token: "0".repeat(40) }));
    const old = nowIn(shop) - 360;
    expectRefused(await link(bought.id, { token: idToken(bought.id, old), timestamp: String(old) }));
    expectRefused(await link(bought.id, { ...fields, id: bought.id }));
    expectRefused(await link("%zz", fields));
    expectRefused(await link("123:x", { ...fields, token: idToken("123:x", nowIn(shop)) }));
    expectRefused(await link(bought.id, {}));
    expect((await link(bought.id, fields, "HEAD")).status).toBe(403);
    expect((await link(bought.id, fields)).status).toBe(302);
  });

  test("and what is not signed gives no right: app and nav-data may say anything", async () => {
    const bought = await buy(shop);
    const answer = await postSignIn(shop, formOf(bought, { app: "<script>", context_app: "x", "nav-data": "AAAA" }));
    expect(await dashboard(sessionIn(answer))).toMatchObject({ tenant: bought.id });
    expect((await shop.provider.findTenant({ tenant: bought.id }))?.facts).toEqual({});
  });
});
