import { randomUUID } from "node:crypto";
import { Refused } from "../src/product/product.ts";
import { consoleOf } from "./support/console-tenants-app.ts";
import { ask, buy, closeShops, type HerokuShop, herokuShop, order } from "./support/heroku.ts";
import { closeServers } from "./support/listen.ts";

let shop: HerokuShop;
let consoles: Awaited<ReturnType<typeof consoleOf>>;

beforeAll(async () => {
  shop = await herokuShop({ budgets: { product: 300, parting: 100, turn: 300 } });
  consoles = await consoleOf(shop.provider);
});

afterEach(() => shop.provider.product.reset());

afterAll(async () => {
  await closeServers();
  await closeShops();
});

const requestsOf = async (tenant: string) =>
  (
    await shop.provider.look<{ kind: string; request: string | null }>(
      "select kind, request from operations where tenant_id = $1",
      [tenant],
    )
  ).map(({ kind, request }) => [kind, request]);
const list = async (q: string, query = "") =>
  (await consoles.person("viewer").get(`/console/tenants?q=${q}${query}`).expect(200)).text;

describe("the id of a request", () => {
  test("stays with the operation that it began, and leads to it", async () => {
    const ids = [randomUUID(), randomUUID(), randomUUID()] as const;
    const body = order();
    const { id } = (await ask(shop, "POST", "/resources", { body, headers: { "x-request-id": ids[0] } })).json;
    await ask(shop, "POST", "/resources", { body, headers: { "x-request-id": randomUUID() } });
    await ask(shop, "PUT", `/resources/${body.uuid}`, {
      body: { plan: "premium" },
      headers: { "request-id": ids[1] },
    });
    await ask(shop, "DELETE", `/resources/${body.uuid}`, { headers: { "x-request-id": ids[2] } });
    const began = await requestsOf(String(id));
    expect(began.sort()).toEqual([
      ["change_plan", ids[1]],
      ["deprovision", ids[2]],
      ["provision", ids[0]],
    ]);
    for (const [index, what] of ["provision", "change of plan", "removal"].entries())
      expect(await list(String(ids[index]))).toContain(`request ${ids[index]}: ${what}, `);
    const [operation] = await shop.provider.look<{ id: string }>("select id from operations where request = $1", [
      ids[1],
    ]);
    expect(await list(ids[1])).toContain(`href="/console/tenants/${id}#operation-${operation?.id}"`);
    const page = (await consoles.person("viewer").get(`/console/tenants/${id}`).expect(200)).text;
    for (const one of ids) expect(page).toContain(`request <code>${one}</code>`);
  });

  test("finds a purchase that was refused, by what the customer was shown", async () => {
    shop.provider.product.answer(new Refused("No room in that region."));
    const headers = { "x-request-id": randomUUID() };
    expect((await ask(shop, "POST", "/resources", { body: order(), headers })).status).toBe(422);
    expect(await list(headers["x-request-id"])).toContain("provision, refused, ");
    expect(await list(headers["x-request-id"], "&state=active")).toContain("Nothing begins like that.");
  });

  test("is kept of an operator's act, and finds nothing by its beginning alone", async () => {
    const { id } = await buy(shop);
    await consoles.person("operator", "ada").act(String(id), "suspend");
    const suspended = (await requestsOf(String(id))).find(([kind]) => kind === "suspend");
    const request = String(suspended?.[1]);
    expect(request).toMatch(/^[\w.-]{8,128}$/);
    expect(await list(request)).toContain(`request ${request}: suspend, done, `);
    expect(await list(request.slice(0, -1))).toContain("Nothing begins like that.");
  });

  test("that many requests bear leads to the newest, and hides no page of what is named like it", async () => {
    const request = "the-same-id-for-all";
    for (let n = 0; n < 3; n += 1)
      await ask(shop, "POST", "/resources", { body: order(), headers: { "x-request-id": request } });
    expect((await list(request)).match(/request the-same-id-for-all: /g)).toHaveLength(3);
  });
});
