import { createLocalJWKSet, jwtVerify } from "jose";
import { parseApiKey } from "../src/credentials/api-key.ts";
import { tokenKeys } from "../src/credentials/token-keys.ts";
import { RetryLater } from "../src/product/product.ts";
import type { Tenant } from "../src/tenants/tenants.ts";
import { withChecksum } from "./support/api-keys.ts";
import { DAY, HOUR, MINUTE, SECOND } from "./support/clock.ts";
import { about, closeProviders, ISSUER, purchase, type TestProvider, testProvider } from "./support/provider.ts";
import { hangs, heldBack } from "./support/scripted-product.ts";

let shop: TestProvider;

beforeAll(async () => {
  shop = await testProvider();
});

afterEach(async () => {
  shop.deliver = () => ({ outcome: "delivered" });
  await shop.rest();
  shop.product.reset();
  shop.told.length = 0;
});

afterAll(closeProviders);

const api = "ACME_SEARCH_API_KEY";

async function bought(): Promise<{ tenant: Tenant; key: string }> {
  const { tenant, config } = (await shop.provision(purchase())).value;
  return { tenant, key: String(config[api]) };
}

/** What happened since it was bought. */
const storyOf = async (tenant: Tenant) => (await shop.events(tenant)).slice(2);
const keyNow = async (tenant: Tenant): Promise<string> => String((await shop.configVars(tenant.id))[api]);
const verdict = async (key: string): Promise<string> => {
  const judged = await shop.verifyKey(key);
  return judged.valid ? "valid" : judged.code;
};

describe("verifying a key", () => {
  test("says whose it is, with the plan, its limits and the scopes of an ordinary key", async () => {
    const { tenant, key } = await bought();
    expect(await shop.verifyKey(key)).toEqual({
      valid: true,
      tenant: tenant.id,
      plan: "basic",
      limits: { requests: 100_000, documents: 10_000 },
      scopes: ["tenant:read", "token"],
    });
    await shop.changePlan({ ...about(tenant), plan: "standard" });
    expect(await shop.verifyKey(key)).toMatchObject({ plan: "standard", limits: { requests: 1_000_000 } });
  });

  test("says of what is no key of ours that it is unknown", async () => {
    const { key } = await bought();
    const other = await testProvider();
    const theirs = String((await other.provision(purchase())).value.config[api]);
    const forged = withChecksum(key.replace(/_[0-9A-Za-z]{43}_.*$/, `_${"x".repeat(43)}_`));
    expect(parseApiKey(forged)).toEqual(parseApiKey(key));
    for (const wrong of ["", "nonsense", key.slice(0, -1), `${key}x`, key.toUpperCase(), theirs, forged]) {
      expect(await verdict(wrong)).toBe("unknown");
    }
  });

  test("says why a known key is refused: suspended, expired, revoked, gone", async () => {
    const { tenant, key } = await bought();
    await shop.suspend({ ...about(tenant), reason: "unpaid" });
    expect(await verdict(key)).toBe("suspended");
    await expect(shop.issueToken(key)).rejects.toMatchObject({ code: "tenant_suspended" });
    await shop.resume(about(tenant));
    await shop.rotateCredentials({ ...about(tenant), overlapSeconds: 60 });
    await shop.rest();
    expect(await verdict(key)).toBe("valid");
    shop.clock.advance(60 * SECOND);
    expect(await verdict(key)).toBe("expired");
    const second = await keyNow(tenant);
    await shop.rotateCredentials({ ...about(tenant), overlapSeconds: 0 });
    expect(await verdict(second)).toBe("revoked");
    const third = await keyNow(tenant);
    await shop.deprovision(about(tenant));
    expect([await verdict(third), await verdict(second), await verdict(key)]).toEqual(["gone", "gone", "gone"]);
    await expect(shop.authorise(third, "token")).rejects.toMatchObject({ code: "not_authenticated" });
  });

  test("an ordinary key can neither meter nor rotate", async () => {
    const { key } = await bought();
    for (const scope of ["usage:write", "credentials:rotate"] as const)
      await expect(shop.authorise(key, scope)).rejects.toMatchObject({ code: "not_permitted" });
  });
});

describe("rotating", () => {
  test("gives a new key at once; the old one works to the second of its overlap and the new config is pushed", async () => {
    const { tenant, key } = await bought();
    const outcome = await shop.rotateCredentials(about(tenant));
    expect(outcome).toMatchObject({ kind: "done", fresh: true });
    const fresh = await keyNow(tenant);
    expect(fresh).not.toBe(key);
    await shop.rest();
    expect(shop.told.map((call) => call.kind)).toEqual(["push-config"]);
    shop.clock.advance(2 * HOUR - SECOND);
    await shop.work();
    expect([await verdict(key), await verdict(fresh)]).toEqual(["valid", "valid"]);
    shop.clock.advance(SECOND);
    expect([await verdict(key), await verdict(fresh)]).toEqual(["expired", "valid"]);
    await shop.work();
    expect([await verdict(key), await verdict(fresh)]).toEqual(["expired", "valid"]);
    expect(await storyOf(tenant)).toEqual(["credential.issued", "credential.rotated", "credential.revoked"]);
    const sealed = await shop.look("select from credentials where tenant_id = $1 and sealed is not null", [tenant.id]);
    expect(sealed).toHaveLength(1);
  });

  test("is joined by the same rotation while it runs, and refuses another", async () => {
    const { tenant } = await bought();
    const impatient = await testProvider({ beside: shop, budgets: { product: 50 } });
    impatient.product.answer(hangs);
    const first = await impatient.rotateCredentials(about(tenant));
    const fresh = await keyNow(tenant);
    const second = await shop.rotateCredentials(about(tenant));
    expect([first.kind, second.kind]).toEqual(["running", "running"]);
    expect(second).toMatchObject({ operationId: (first as { operationId: string }).operationId });
    expect(await keyNow(tenant)).toBe(fresh);
    const other = shop.rotateCredentials({ ...about(tenant), overlapSeconds: 1 });
    await expect(other).rejects.toMatchObject({ code: "operation_running" });
  });

  test.each([-1, 0.5, 604_801, Number.NaN])("with an overlap of %s is malformed", async (overlapSeconds) => {
    const { tenant } = await bought();
    const rotation = shop.rotateCredentials({ ...about(tenant), overlapSeconds });
    await expect(rotation).rejects.toMatchObject({ code: "request_malformed" });
  });

  test("never ends the old key before the marketplace has the new one, however late the push and the worker", async () => {
    const { tenant, key } = await bought();
    shop.deliver = () => ({ outcome: "retry", fault: "down", afterSeconds: 600 });
    shop.product.answer(new RetryLater(3 * 3_600));
    expect(await shop.rotateCredentials(about(tenant))).toMatchObject({ kind: "running" });
    shop.clock.advance(3 * HOUR);
    expect(await verdict(key)).toBe("valid");
    await shop.work();
    expect(await verdict(key)).toBe("valid");
    shop.clock.advance(3 * HOUR);
    expect(await verdict(key)).toBe("valid");
    await shop.work();
    expect(await verdict(key)).toBe("valid");
    shop.deliver = () => ({ outcome: "delivered" });
    shop.clock.advance(10 * MINUTE);
    await shop.work();
    expect(await verdict(key)).toBe("valid");
    await shop.rest();
    expect(await verdict(key)).toBe("valid");
    shop.clock.advance(2 * HOUR + MINUTE);
    expect(await verdict(key)).toBe("expired");
    await shop.work();
    expect((await storyOf(tenant)).filter((type) => type === "credential.revoked")).toHaveLength(1);
  });

  test("ends each old key once, though two workers sweep at the same moment", async () => {
    const { tenant } = await bought();
    await shop.rotateCredentials({ ...about(tenant), overlapSeconds: 1 });
    await shop.rest();
    shop.clock.advance(SECOND);
    const sweeps = shop.deps.store.asTenant(tenant.id, async (tx) => {
      await tx.query("select from tenants where id = $1 for update", [tenant.id]);
      const both = [shop.sweep(), shop.sweep()];
      await tx.query("select pg_sleep(0.2)");
      return both;
    });
    await Promise.all(await sweeps);
    expect((await storyOf(tenant)).filter((type) => type === "credential.revoked")).toHaveLength(1);
  });
});

describe("revoking one credential", () => {
  test("refuses a retiring key at once, the second time does nothing, and never takes the active one", async () => {
    const { tenant, key } = await bought();
    await shop.rotateCredentials(about(tenant));
    const one = async (state: string) => {
      const sql = "select id as credential from credentials where tenant_id = $1 and state = $2";
      const [row] = await shop.look<{ credential: string }>(sql, [tenant.id, state]);
      return { ...about(tenant), credential: String(row?.credential) };
    };
    const [active, retiring] = [await one("active"), await one("retiring")];
    await shop.revokeCredential(retiring);
    await shop.revokeCredential(retiring);
    expect(await verdict(key)).toBe("revoked");
    const malformed = { code: "request_malformed" };
    await expect(shop.revokeCredential(active)).rejects.toMatchObject(malformed);
    await expect(shop.revokeCredential({ ...active, credential: "no-uuid" })).rejects.toMatchObject({
      code: "credential_not_found",
    });
    expect((await storyOf(tenant)).filter((type) => type === "credential.revoked")).toHaveLength(1);
  });

  test("and revealing a config var is written down, without the value", async () => {
    const { tenant, key } = await bought();
    expect(await shop.revealConfigVar(about(tenant), api)).toBe(key);
    await expect(shop.revealConfigVar(about(tenant), "OTHER")).rejects.toMatchObject({ code: "request_malformed" });
    const [event] = await shop.look<{ type: string; by: string; data: unknown }>(
      "select type, by, data from lifecycle_events where tenant_id = $1 order by sequence desc limit 1",
      [tenant.id],
    );
    expect(event).toEqual({ type: "credential.revealed", by: "customer:1", data: { var: api } });
  });
});

describe("a token", () => {
  type Jwks = Awaited<ReturnType<TestProvider["deps"]["tokens"]["list"]>>;

  /** Judged by another library than the one that signs. */
  async function judged(token: string, keys: Jwks, { clock }: TestProvider = shop) {
    const jwks = createLocalJWKSet({ keys: keys.map((key) => ({ ...key })) });
    const expected = { issuer: ISSUER, audience: ISSUER, algorithms: ["ES256"], currentDate: clock.now() };
    return (await jwtVerify(token, jwks, expected)).payload;
  }

  test("carries tenant, plan and limits for 15 minutes and is verified by the published keys alone", async () => {
    const { tenant, key } = await bought();
    const { token, expiresIn } = await shop.issueToken(key);
    expect(expiresIn).toBe(900);
    expect(await judged(token, await shop.deps.tokens.list())).toMatchObject({
      sub: tenant.id,
      tenant: tenant.id,
      plan: "basic",
      limits: { requests: 100_000 },
      iss: ISSUER,
      exp: Math.floor(shop.clock.now().getTime() / 1000) + 900,
    });
    shop.clock.advance(900 * SECOND);
    await expect(judged(token, await shop.deps.tokens.list())).rejects.toThrow(/exp/);
  });

  test("of several processes that start at once comes from one key", async () => {
    const empty = await testProvider();
    const { store, vault, clock } = empty.deps;
    const looked = heldBack<void>();
    let looks = 0;
    const throughDoor: typeof store.throughDoor = async (statement) => {
      const rows = await store.throughDoor(statement);
      looks += 1;
      if (looks === 8) looked.release();
      await looked.promise;
      return rows as never;
    };
    const at = { store: { ...store, throughDoor }, vault, clock, issuer: ISSUER };
    const processes = Array.from({ length: 8 }, () => tokenKeys(at));
    await Promise.all(processes.map((one) => one.sign("a".repeat(26), {})));
    expect(await empty.look("select from token_keys")).toHaveLength(1);
    const lists = await Promise.all(processes.map((one) => one.list()));
    expect(new Set(lists.map((list) => JSON.stringify(list))).size).toBe(1);
  });

  test("is never refused while it lives: two processes, their clock turned through several keys, lists up to 10 minutes old", async () => {
    const one = await testProvider();
    const two = await testProvider({ beside: one });
    const sleeper = await testProvider({ beside: one });
    await sleeper.deps.tokens.sign("b".repeat(26), {});
    const now = () => one.clock.now().getTime();
    let living: { token: string; until: number }[] = [];
    let lists: { keys: Jwks; at: number }[] = [];
    const kids = new Set<string>();
    const toNextKey = [MINUTE, 14 * MINUTE, 28 * DAY + 23 * HOUR + 40 * MINUTE, 10 * MINUTE, 55 * MINUTE, 10 * MINUTE];
    for (const turn of [...toNextKey, 2 * HOUR, ...toNextKey, 31 * DAY, ...toNextKey]) {
      lists = lists.filter(({ at }) => at >= now() - 10 * MINUTE);
      living = living.filter(({ until }) => until > now());
      for (const { deps } of [one, two]) {
        const token = await deps.tokens.sign("b".repeat(26), {});
        living.push({ token, until: now() + 900 * SECOND });
        for (const { keys } of lists) await judged(token, keys, one);
        kids.add(JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()).kid);
      }
      lists.push({ keys: await one.deps.tokens.list(), at: now() }, { keys: await two.deps.tokens.list(), at: now() });
      for (const { token } of living) await Promise.all(lists.slice(-2).map(({ keys }) => judged(token, keys, one)));
      one.clock.advance(turn);
    }
    expect(kids.size).toBeGreaterThan(3);
    expect((await one.deps.tokens.list()).length).toBeLessThanOrEqual(2);
    one.clock.advance(62 * DAY);
    await one.deps.tokens.sign("b".repeat(26), {});
    one.clock.advance(62 * DAY);
    const late = await sleeper.deps.tokens.sign("b".repeat(26), {});
    expect(await judged(late, await one.deps.tokens.list(), one)).toMatchObject({ sub: "b".repeat(26) });
  });

  test("signed in the last minute of its key outlives it", async () => {
    const rare = await testProvider();
    await rare.deps.tokens.sign("c".repeat(26), {});
    rare.clock.advance(30 * DAY - MINUTE);
    const token = await rare.deps.tokens.sign("c".repeat(26), {});
    rare.clock.advance(14 * MINUTE);
    await rare.deps.tokens.sign("c".repeat(26), {});
    expect(await judged(token, await rare.deps.tokens.list(), rare)).toMatchObject({ sub: "c".repeat(26) });
  });
});
