import { ask, basic, closeShops, type HerokuShop, herokuShop, order, PASSWORDS } from "./support/heroku.ts";
import { exchange } from "./support/listen.ts";

let shop: HerokuShop;

beforeAll(async () => {
  shop = await herokuShop({ budgets: { product: 300, parting: 100, turn: 300 } });
});

afterEach(() => shop.provider.product.reset());
afterAll(closeShops);

const post = (body: unknown, headers = {}) => ask(shop, "POST", "/resources", { body, headers });
const count = async (text: string, ...values: unknown[]) =>
  Number((await shop.provider.look<{ count: string }>(`select count(*) from ${text}`, values))[0]?.count);

describe("Basic authentication", () => {
  test("unknown user, wrong password and none at all are the same 401 with a challenge, whatever the verb", async () => {
    const wrong = [basic("acme-search", "wrong"), basic("other", PASSWORDS[0] ?? ""), "", "Basic ???", "Bearer x"];
    const before = await count("tenants");
    const bodies = new Set<string>();
    for (const [method, path] of [
      ["POST", "/resources"],
      ["PUT", "/resources/x"],
      ["DELETE", "/resources/x"],
    ] as const) {
      for (const authorization of wrong) {
        const answer = await ask(shop, method, path, { headers: { authorization } });
        expect(answer.status).toBe(401);
        expect(answer.headers.get("www-authenticate")).toMatch(/^Basic realm=/);
        bodies.add(answer.text);
      }
    }
    expect([...bodies]).toEqual([expect.stringContaining("not_authenticated")]);
    expect(await count("tenants")).toBe(before);
  });

  test("both passwords work during a rotation", async () => {
    for (const password of PASSWORDS) {
      const headers = { authorization: basic("acme-search", password) };
      expect((await post(order(), headers)).status).toBe(200);
    }
  });

  test("the password is checked before the body is read", async () => {
    const head = `POST /heroku/resources HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9999\r\nConnection: close\r\n`;
    const port = Number(new URL(shop.url).port);
    expect((await exchange(port, `${head}\r\n{`)).text).toMatch(/^HTTP\/1.1 401/);
  });

  test("after a hundred wrong ones the right one is still let in", async () => {
    const other = await herokuShop();
    const wrong = { headers: { authorization: basic("acme-search", "wrong") } };
    const statuses = await Promise.all(Array.from({ length: 120 }, () => ask(other, "DELETE", "/resources/x", wrong)));
    expect(new Set(statuses.map(({ status }) => status))).toEqual(new Set([401, 429]));
    expect((await ask(other, "POST", "/resources", { body: order() })).status).toBe(200);
  });
});

test("while the database takes no connection it is 503 with Retry-After, and afterwards everything works again", async () => {
  const own = await herokuShop();
  const { name } = own.provider.database;
  const body = order();
  await own.provider.look(`alter database "${name}" connection limit 0`);
  await own.provider.look(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and usename <> current_user",
    [name],
  );
  const down = await ask(own, "POST", "/resources", { body });
  expect([down.status, down.json.id]).toEqual([503, "unavailable"]);
  expect(Number(down.headers.get("retry-after"))).toBeGreaterThan(0);
  await own.provider.look(`alter database "${name}" connection limit -1`);
  expect((await ask(own, "POST", "/resources", { body })).status).toBe(200);
});

test("anything else under /heroku is 404 in Heroku's shape", async () => {
  for (const [method, path] of [
    ["GET", "/nothing"],
    ["PATCH", "/resources/x"],
    ["GET", "/sso"],
  ] as const) {
    const { status, json } = await ask(shop, method, path);
    expect([status, json.id]).toEqual([404, "route_not_found"]);
  }
});
