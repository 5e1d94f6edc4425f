import express from "express";
import { apiRoutes } from "../src/api/api.ts";
import { failedAttempts } from "../src/http/failed-attempts.ts";
import { problemAnswer } from "../src/http/problem.ts";
import { logRequests, watched } from "../src/http/request-log.ts";
import { createLogger } from "../src/log.ts";
import { MINUTE, testClock } from "./support/clock.ts";
import { closeServers, listen } from "./support/listen.ts";
import { about, closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { newTenant } from "./support/usage.ts";
import { BUCKET, openVendor, type Vendor } from "./support/vending.ts";

const SECRET = "the-product-secret-of-the-tests";
const VAR = "ACME_SEARCH_AWS_CREDENTIALS_URL";

let vendor: Vendor;
let shop: TestProvider;
let url: string;
let tenant: string;
const lines: string[] = [];

beforeAll(async () => {
  const clock = testClock();
  vendor = await openVendor(clock, { limitMs: 1_500 });
  shop = await testProvider({ aws: vendor.aws, clock });
  const { tokens, catalog } = shop.deps;
  const app = express();
  app.use(
    watched(
      logRequests({
        logger: createLogger({ level: "trace", destination: { write: (line: string) => void lines.push(line) } }),
      }),
    ),
  );
  app.use(
    apiRoutes({ provider: shop, tokens, catalog, clock, productSecret: SECRET, attempts: failedAttempts() }),
    problemAnswer,
  );
  ({ url } = await listen(app));
});

beforeEach(async () => {
  await vendor.follow();
  tenant = await newTenant(shop);
});

afterAll(async () => {
  await closeServers();
  await closeProviders();
  await vendor.close();
});

async function ask(body: object = {}, bearer = SECRET) {
  const answer = await fetch(`${url}/v1/aws/credentials`, {
    method: "POST",
    headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: answer.status, headers: answer.headers, json: await answer.json() };
}

const keyOf = async (id = tenant) => String((await shop.configVars(id))["ACME_SEARCH_API_KEY"]);
const mayRead = async (access_key_id: string, whose: string): Promise<boolean> =>
  (await vendor.post("/_aws/judge", { access_key_id, action: "s3:GetObject", resource: `${BUCKET}/${whose}/a` }))
    .allowed;
const told = (action: string) =>
  shop.look<{ by: string; data: object }>(
    "select by, data from audit_entries where action = $2 and chain = $1 order by sequence",
    [tenant, action],
  );
const assumed = () => told("aws.assumed");

describe("POST /v1/aws/credentials", () => {
  test("a customer's key gets credentials that open its own data and nobody else's", async () => {
    const other = await newTenant(shop);
    const { status, headers, json } = await ask({}, await keyOf());
    expect([status, headers.get("cache-control")]).toEqual([200, "no-store"]);
    expect(json).toEqual({
      access_key_id: expect.stringMatching(/^ASIA/),
      secret_access_key: expect.any(String),
      session_token: expect.any(String),
      expires_at: expect.stringMatching(/^2026-03-01T12:15:0/),
    });
    expect(await mayRead(json.access_key_id, tenant)).toBe(true);
    expect(await mayRead(json.access_key_id, other)).toBe(false);
  });

  test("the address of it is among the config vars, and the key has the scope for it", async () => {
    expect((await shop.configVars(tenant))[VAR]).toBe("https://addons.example/v1/aws/credentials");
    expect(await shop.verifyKey(await keyOf())).toMatchObject({ scopes: ["tenant:read", "token", "aws:credentials"] });
    await shop.rotateCredentials({ ...about({ id: tenant }), overlapSeconds: 0 });
    expect(await shop.verifyKey(await keyOf())).toMatchObject({ scopes: ["tenant:read", "token", "aws:credentials"] });
  });

  test("a key asks for its own tenant only; the product names one", async () => {
    const other = await newTenant(shop);
    expect((await ask({ tenant: other }, await keyOf())).json.code).toBe("tenant_not_found");
    const { json } = await ask({ tenant: other });
    expect([await mayRead(json.access_key_id, other), await mayRead(json.access_key_id, tenant)]).toEqual([
      true,
      false,
    ]);
    expect((await ask()).json).toMatchObject({ code: "request_malformed", faults: [{ at: "/tenant" }] });
    expect((await ask({ tenant: "nobody" })).json.code).toBe("tenant_not_found");
    expect((await ask({}, "some-other-key")).status).toBe(401);
  });

  test("a key without the scope is refused", async () => {
    await shop.look("update credentials set scopes = '{tenant:read}' where tenant_id = $1", [tenant]);
    expect(await ask({}, await keyOf())).toMatchObject({ status: 403, json: { code: "not_permitted" } });
  });

  test.each([899, 3_601, 900.5, "900", null, -1])("a duration of %p is refused", async (duration_seconds) => {
    expect((await ask({ tenant, duration_seconds })).json).toMatchObject({
      code: "request_malformed",
      faults: [{ at: "/duration_seconds" }],
    });
  });

  test("it lasts as long as asked for, rounded down to five minutes", async () => {
    const minutes = async (duration_seconds: number) => {
      const { json } = await ask({ tenant, duration_seconds });
      return Math.round((Date.parse(json.expires_at) - shop.clock.now().getTime()) / MINUTE);
    };
    expect([await minutes(900), await minutes(1_199), await minutes(3_600)]).toEqual([15, 15, 60]);
  });

  test("the same credentials come again while a third of their time is left, then new ones", async () => {
    const id = async () => (await ask({ tenant })).json.access_key_id;
    const first = await id();
    shop.clock.advance(9 * MINUTE);
    expect(await id()).toBe(first);
    shop.clock.advance(2 * MINUTE);
    await vendor.follow();
    expect(await id()).not.toBe(first);
  });

  test("many who ask at once wait for one assumption, and each assumption is in the audit", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask({ tenant })));
    expect(new Set(answers.map(({ json }) => json.access_key_id)).size).toBe(1);
    expect(await assumed()).toEqual([{ by: "product", data: { seconds: 900 } }]);
    await ask({}, await keyOf());
    expect((await assumed()).map(({ by }) => by)).toEqual(["product", `customer:${tenant}`]);
  });

  test("a suspended tenant gets none, and after its return other ones", async () => {
    const first = (await ask({ tenant })).json.access_key_id;
    await shop.suspend({ ...about({ id: tenant }), reason: "Not paid." });
    expect((await ask({ tenant })).json.code).toBe("tenant_suspended");
    expect((await ask({}, await keyOf())).json.code).toBe("tenant_suspended");
    shop.clock.advance(1);
    await shop.resume(about({ id: tenant }));
    expect((await ask({ tenant })).json.access_key_id).not.toBe(first);
  });

  test("a tenant that is gone gets none", async () => {
    const key = await keyOf();
    await ask({ tenant });
    await shop.deprovision(about({ id: tenant }));
    expect((await ask({ tenant })).json.code).toBe("tenant_gone");
    expect((await ask({}, key)).status).toBe(401);
  });

  test("a tenant that is suspended while AWS thinks gets none, and nothing is kept", async () => {
    await vendor.post("/_faults", { aws_sts_slow: { value: 700, times: 1 } });
    const asked = ask({ tenant });
    await new Promise((resolve) => setTimeout(resolve, 200));
    await shop.suspend({ ...about({ id: tenant }), reason: "Not paid." });
    expect((await asked).json.code).toBe("tenant_suspended");
    expect(await assumed()).toEqual([]);
  });

  test("AWS throttles or is slow: a clear answer in time, and the next one works", async () => {
    await vendor.post("/_faults", { aws_sts_throttled: true });
    const throttled = await ask({ tenant });
    expect(throttled).toMatchObject({ status: 503, json: { code: "aws_unavailable" } });
    expect(throttled.headers.get("retry-after")).toBe("5");
    await vendor.post("/_faults", { aws_sts_throttled: false, aws_sts_slow: { value: 20_000, times: 2 } });
    const startedAt = performance.now();
    expect(await ask({ tenant })).toMatchObject({ status: 503, json: { code: "aws_unavailable" } });
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    await vendor.post("/_faults", { aws_sts_slow: false });
    expect((await ask({ tenant })).status).toBe(200);
  });

  test("an attempt that gave nothing is in the audit with its reason, one a minute of those that are alike", async () => {
    await vendor.post("/_faults", { aws_sts_throttled: true });
    for (let time = 0; time < 3; time += 1) await ask({ tenant });
    await ask({}, await keyOf());
    shop.clock.advance(MINUTE);
    await vendor.follow();
    await ask({ tenant });
    await vendor.post("/_faults", { aws_sts_throttled: false });
    const reason = expect.stringMatching(/^no answer \(Throttling/);
    expect(await told("aws.assume_failed")).toEqual([
      { by: "product", data: { seconds: 900, reason } },
      { by: `customer:${tenant}`, data: { seconds: 900, reason } },
      { by: "product", data: { seconds: 900, reason, untold: 2 } },
    ]);
    expect(await assumed()).toEqual([]);
  });

  test("AWS denies the role: the vendor's fault, told without names, and the cause is in the log", async () => {
    const other = await openVendor(shop.clock, { tenantRoleArn: "arn:aws:iam::123456789012:role/not-ours" });
    const reasons: string[] = [];
    const call = other.aws.vend({
      tenant,
      purpose: "product",
      seconds: 900,
      confirm: () => Promise.reject(new Error("assumed")),
      failed: async (reason) => void reasons.push(reason),
    });
    await expect(call).rejects.toMatchObject({
      code: "aws_refused",
      message: expect.not.stringContaining("123456789012"),
    });
    expect(reasons).toEqual(["denied"]);
    await other.close();
  });

  test("what is no id of ours never gets as far as AWS", async () => {
    for (const id of ["", "*", "a/b", `${tenant}/..`, tenant.toUpperCase(), tenant.slice(1), `${tenant}a`]) {
      const call = vendor.aws.vend({
        tenant: id,
        purpose: "product",
        seconds: 900,
        confirm: () => Promise.reject(new Error("asked")),
        failed: () => Promise.reject(new Error("asked")),
      });
      await expect(call).rejects.toMatchObject({ code: "tenant_not_found" });
    }
  });

  test("no secret of them is in the database or in the log", async () => {
    const { json } = await ask({ tenant });
    const secrets = [json.secret_access_key, json.session_token];
    const tables = await shop.look<{ name: string }>(
      "select tablename as name from pg_tables where schemaname = 'public'",
    );
    expect(tables.length).toBeGreaterThan(20);
    for (const { name } of tables) {
      const rows = await shop.look<{ row: string }>(`select to_jsonb(t)::text as row from "${name}" t`);
      expect([name, rows.filter(({ row }) => secrets.some((secret) => row.includes(secret)))]).toEqual([name, []]);
    }
    expect(lines.length).toBeGreaterThan(20);
    expect(lines.filter((line) => secrets.some((secret) => line.includes(secret)))).toEqual([]);
  });

  test("where the product has none, it says so", async () => {
    const plain = await testProvider({ clock: shop.clock });
    const id = await newTenant(plain);
    await expect(plain.awsCredentials(about({ id }))).rejects.toMatchObject({ code: "not_permitted" });
    expect(await plain.configVars(id)).not.toHaveProperty(VAR);
  });
});
