import supertest from "supertest";
import type { Tenant } from "../src/tenants/tenants.ts";
import { HOUR, MINUTE } from "./support/clock.ts";
import { type DashboardOfShop, dashboardOf } from "./support/dashboard-app.ts";
import { listen } from "./support/listen.ts";
import { about, type TestProvider } from "./support/provider.ts";
import { enterStage, leaveStage } from "./support/visitor.ts";

let shop: TestProvider;
let pages: DashboardOfShop;
let url: string;

beforeAll(async () => {
  ({ shop, pages, url } = await enterStage());
});

afterAll(leaveStage);

const rows = async () => (await shop.look("select digest from sessions")).length;
const open = (cookie: string) => supertest(url).get("/dashboard").set("Cookie", cookie);

/** Signs in and answers the whole `Set-Cookie` header. */
async function signIn(tenant: Tenant, cookie = ""): Promise<string> {
  const answer = await supertest(url).get(pages.signInPath(tenant)).set("Cookie", cookie).expect(303);
  return String(answer.get("Set-Cookie"));
}

const cookieOf = (header: string) => header.split(";")[0] ?? "";

async function signedIn(): Promise<string> {
  return cookieOf(await signIn(await pages.buy()));
}

describe("a browser session", () => {
  test("a browser that never signed in gets no cookie and leaves no row", async () => {
    const before = await rows();
    const answer = await supertest(url).get("/dashboard").expect(401);
    expect(answer.get("Set-Cookie")).toBeUndefined();
    expect(answer.text).toContain("You are not signed in");
    expect(await rows()).toBe(before);
  });

  test("on plain http the cookie is HttpOnly, Lax, for the whole site and without an end", async () => {
    const [pair, ...attributes] = (await signIn(await pages.buy())).split("; ");
    expect(pair).toMatch(/^stallholder=s%3A[\w%-]+\./);
    expect(attributes.sort()).toEqual(["HttpOnly", "Path=/", "SameSite=Lax"]);
  });

  test("behind https the cookie is Secure and bound to its host", async () => {
    const secure = dashboardOf(shop, { publicUrl: "https://addons.example" });
    const listening = await listen(secure.app);
    const answer = await supertest(listening.url)
      .get(secure.signInPath(await secure.buy()))
      .set("X-Forwarded-Proto", "https");
    const [pair, ...attributes] = String(answer.get("Set-Cookie")).split("; ");
    expect(pair).toMatch(/^__Host-stallholder=/);
    expect(attributes.sort()).toEqual(["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]);
  });

  test("the database knows neither the cookie nor the id inside it", async () => {
    const cookie = decodeURIComponent(await signedIn());
    const id = /s:([^.]+)\./.exec(cookie)?.[1] ?? "";
    expect(id).toHaveLength(43);
    expect(JSON.stringify(await shop.look("select * from sessions"))).not.toContain(id);
  });

  test("a session ends after 30 minutes without a request and not before", async () => {
    const [idle, busy] = [await signedIn(), await signedIn()];
    shop.clock.advance(29 * MINUTE);
    await open(busy).expect(200);
    shop.clock.advance(2 * MINUTE);
    await open(idle).expect(401);
    await open(busy).expect(200);
  });

  test("a session ends 8 hours after the sign-in however busy it is", async () => {
    const cookie = await signedIn();
    for (let passed = 0; passed < 8 * HOUR; passed += 20 * MINUTE) {
      await open(cookie).expect(200);
      shop.clock.advance(20 * MINUTE);
    }
    await open(cookie).expect(200);
    shop.clock.advance(1);
    await open(cookie).expect(401);
  });

  test("a sign-in gets a new id and kills the session that the browser brought along", async () => {
    const planted = await signedIn();
    const tenant = await pages.buy({ name: "acme-search-victim" });
    const fresh = cookieOf(await signIn(tenant, planted));
    expect(fresh).not.toBe(planted);
    await open(planted).expect(401);
    expect((await open(fresh).expect(200)).text).toContain("acme-search-victim");
  });

  test("an id that nobody issued is not taken over", async () => {
    const cookie = await signedIn();
    const forged = cookie.replace(/s%3A[^.]+\./, `s%3A${"A".repeat(43)}.`);
    expect(forged).not.toBe(cookie);
    await open(forged).expect(401);
    const fresh = cookieOf(await signIn(await pages.buy(), forged));
    expect(fresh).not.toContain("A".repeat(43));
  });

  test("signing out ends the session here and in the browser", async () => {
    const cookie = await signedIn();
    const page = await open(cookie);
    const token = /name="csrf_token" value="([^"]+)"/.exec(page.text)?.[1] ?? "";
    const answer = await supertest(url)
      .post("/dashboard/sign-out")
      .set("Cookie", cookie)
      .type("form")
      .send({ csrf_token: token })
      .expect(303);
    expect(answer.get("Location")).toBe("/dashboard/signed-out");
    expect(String(answer.get("Set-Cookie"))).toMatch(/^stallholder=;.*Expires=Thu, 01 Jan 1970/);
    await open(cookie).expect(401);
    expect((await supertest(url).get("/dashboard/signed-out").expect(200)).text).toContain("You are signed out");
  });

  test("a deprovision ends every session of its tenant and no other", async () => {
    const [leaving, staying] = [await pages.buy(), await pages.buy()];
    const cookies = [await signIn(leaving), await signIn(leaving), await signIn(staying)].map(cookieOf);
    await shop.deprovision(about(leaving));
    const answers = await Promise.all(cookies.map(async (cookie) => (await open(cookie)).status));
    expect(answers).toEqual([401, 401, 200]);
  });
});
