import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resealSecrets, sealedPlaces } from "../src/cli/reseal.ts";
import { apiKeyHash } from "../src/credentials/api-key.ts";
import type { Store } from "../src/isolation/isolation.ts";
import { reseal, sealedCounts } from "../src/provider/reseal.ts";
import { derive } from "../src/secrets/key-ring.ts";
import { vaultOf } from "../src/secrets/secrets.ts";
import { verdictOf } from "./support/audit.ts";
import { runCommand } from "./support/command.ts";
import { plantForeign } from "./support/planted-secrets.ts";
import { about, closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";

afterAll(closeProviders);

const API_KEY = "ACME_SEARCH_API_KEY";
const entry = (id: string) => `${id}:${randomBytes(32).toString("base64url")}`;

/** A service that has served for a while under an old key, and the ring it has now. */
async function served() {
  const [old, next] = [entry("old"), entry("next")];
  const before = await testProvider({ ringText: old });
  const { tenant } = (await before.provision(purchase({ kept: { log_token: "t0" } }))).value;
  before.product.answer({ config: { ACME_SEARCH_INDEX: "main" } });
  await before.changePlan({ ...about(tenant), plan: "standard" });
  await before.rotateCredentials({ ...about(tenant), overlapSeconds: 3_600 });
  await before.rest();
  const named = await before.issueCredential({
    ...about(tenant),
    kind: "api-key",
    name: "reports",
    access: "read",
    grantable: [],
  });
  await plantForeign(before, tenant.id);
  const key = (await before.configVars(tenant.id))[API_KEY] ?? "";
  const token = (await before.issueToken(key)).token;
  await before.anchorAudit();
  const now = await testProvider({ beside: before, ringText: `${next},${old}` });
  return { before, now, tenant, key, named: named.value, token, next, old };
}

const resealIn = (shop: TestProvider, store: Store = shop.deps.store) =>
  reseal(store, { ring: shop.ring, places: sealedPlaces, by: "operator:jo", now: shop.clock.now() });
const leftIn = async (shop: TestProvider) =>
  (await sealedCounts(shop.deps.store, sealedPlaces)).filter(({ keyId }) => keyId !== shop.ring.primary.id);

/** API keys whose hash is not of the key of the ring that has sealed them. */
async function tornIn(shop: TestProvider): Promise<unknown[]> {
  const rows = await shop.look<{ tenant_id: string; id: string; sealed: string; key_hash: string }>(
    "select tenant_id, id, sealed, key_hash from credentials where sealed is not null and kind = 'api-key'",
  );
  const vault = vaultOf(shop.ring);
  return rows.filter(({ tenant_id, id, sealed, key_hash }) => {
    const key = shop.ring.byId.get(sealed.split(".")[1] ?? "");
    const value = vault.open({ tenant: tenant_id, field: "credential", id }, sealed);
    return key === undefined || apiKeyHash(derive(key, "pepper"), value).toString("hex") !== key_hash;
  });
}

describe("the places of sealed values", () => {
  test("are all known: every column that is named for one, and every column in which one is found", async () => {
    const { before } = await served();
    const known = sealedPlaces.map(({ place }) => place).sort();
    const listed = await before.look<{ place: string }>('select place from sealed_places order by place collate "C"');
    expect(listed.map(({ place }) => place)).toEqual(known);
    const columns = await before.look<{ place: string; relation: string; column: string }>(
      `select c.relname || '.' || a.attname as place, c.relname as relation, a.attname as column
       from pg_class c join pg_attribute a on a.attrelid = c.oid
       where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'sealed_places'
         and a.attnum > 0 and not a.attisdropped
         and a.atttypid = any ('{text,jsonb,bytea,text[]}'::regtype[])`,
    );
    const named = columns.filter(({ column }) => /(^|_)sealed$/.test(column)).map(({ place }) => place);
    const holding: string[] = [];
    for (const { place, relation, column } of columns) {
      const [found] = await before.look<{ rows: number }>(
        `select count(*)::int as rows from ${relation}
         where "${column}"::text ~ 'v1\\.[A-Za-z0-9_-]{1,32}\\.[A-Za-z0-9_-]{16}\\.[A-Za-z0-9_-]*\\.[A-Za-z0-9_-]{22}'`,
      );
      if ((found?.rows ?? 0) > 0) holding.push(place);
    }
    // Of several values in one column each is a place of its own: `endpoints.secrets.0`.
    const ofColumn = (place: string) => place.split(".").slice(0, 2).join(".");
    expect(holding.sort()).toEqual([...new Set(known.map(ofColumn))]);
    expect(named.filter((place) => !known.includes(place))).toEqual([]);
  });
});

describe("sealing everything again", () => {
  test("leaves nothing under the old key, which may then go: every value opens and every key is known", async () => {
    const { now, tenant, key, named, token, next } = await served();
    const values = (await leftIn(now)).reduce((sum, count) => sum + count.values, 0);
    expect(values).toBeGreaterThanOrEqual(sealedPlaces.length + 2);
    const config = await now.configVars(tenant.id);
    expect(await resealIn(now)).toEqual({ values, unopened: [] });
    expect(await leftIn(now)).toEqual([]);
    expect(await resealIn(now)).toEqual({ values: 0, unopened: [] });

    const after = await testProvider({ beside: now, ringText: next });
    expect(await after.configVars(tenant.id)).toEqual(config);
    for (const one of [key, named])
      expect(await after.verifyKey(one)).toMatchObject({ valid: true, tenant: tenant.id });
    expect((await after.issueToken(key)).token).not.toBe(token);
    expect((await verdictOf(after)).faults).toEqual([]);
    const vault = vaultOf(after.ring);
    const opened = await Promise.all(
      sealedPlaces.map(async (place) => {
        const rows = await after.look<{ row_key: string[]; value: string; bound_to: string | null }>(
          "select * from sealed_page($1, 'nobody', null, 10)",
          [place.place],
        );
        return rows.map(({ row_key, value, bound_to }) => vault.open(place.contextOf(row_key, bound_to), value));
      }),
    );
    expect(opened.every((texts) => texts.length > 0)).toBe(true);
    await after.rotateCredentials(about(tenant));
    expect((await after.configVars(tenant.id))[API_KEY]).not.toBe(key);
  });

  test("is needed: without it nothing of the old key's opens, and no key is known", async () => {
    const { before, tenant, key, next } = await served();
    const after = await testProvider({ beside: before, ringText: next });
    await expect(after.configVars(tenant.id)).rejects.toMatchObject({ code: "config_invalid" });
    expect(await after.verifyKey(key)).toEqual({ valid: false, code: "unknown" });
  });

  test("never puts back what was changed or revoked while it was at it", async () => {
    const { before, now, tenant } = await served();
    const { throughDoor } = now.deps.store;
    let raced = false;
    const racing: Store = {
      ...now.deps.store,
      throughDoor: async (statement) => {
        if (!raced && statement.text.includes("put_resealed")) {
          raced = true;
          // A process with the ring of before: new credentials under the old key, the former ones revoked.
          await before.rotateCredentials({ ...about(tenant), overlapSeconds: 0 });
          await before.rest();
        }
        if (statement.text.includes("put_resealed") && statement.values?.[0] === "tenants.product_config_sealed") {
          before.product.answer({ config: { ACME_SEARCH_INDEX: "newer" } });
          await before.changePlan({ ...about(tenant), plan: "premium" });
        }
        return throughDoor(statement);
      },
    };
    await resealIn(now, racing);
    expect((await now.configVars(tenant.id))["ACME_SEARCH_INDEX"]).toBe("newer");
    expect(raced).toBe(true);
    const key = (await now.configVars(tenant.id))[API_KEY] ?? "";
    expect(await now.verifyKey(key)).toMatchObject({ valid: true });
    const rows = await now.look<{ state: string; sealed: boolean }>(
      "select state, sealed is not null as sealed from credentials where var is not null order by created_at",
    );
    expect(rows.filter(({ state }) => state === "revoked").every(({ sealed }) => !sealed)).toBe(true);
    expect(await leftIn(now)).toEqual([
      { place: "credentials.sealed", keyId: "old", values: 1 },
      { place: "tenants.product_config_sealed", keyId: "old", values: 1 },
    ]);
    await resealIn(now);
    expect(await leftIn(now)).toEqual([]);
    expect(await now.verifyKey(key)).toMatchObject({ valid: true });
  });

  test("goes on where it was stopped, and does a whole page at a time or nothing of it", async () => {
    const { now } = await served();
    let stops = 0;
    for (let left = 1; stops < 100; left += 3) {
      let steps = left;
      const { throughDoor } = now.deps.store;
      const mortal: Store = {
        ...now.deps.store,
        throughDoor: (statement) => {
          steps -= 1;
          return steps < 0 ? Promise.reject(new Error("The process is dead.")) : throughDoor(statement);
        },
      };
      const done = await resealIn(now, mortal).catch(() => undefined);
      if (done !== undefined) break;
      stops += 1;
      expect(await tornIn(now)).toEqual([]);
    }
    expect(stops).toBeGreaterThan(3);
    expect(await leftIn(now)).toEqual([]);
  });

  test("takes more than a page, also where a key has two columns", async () => {
    const { now, before, tenant } = await served();
    const vault = vaultOf(before.ring);
    const place = sealedPlaces.find((one) => one.place === "credentials.sealed");
    for (let n = 0; n < 450; n += 1) {
      const id = randomUUID();
      const sealed = vault.seal(place?.contextOf([tenant.id, id], null) as never, "secret");
      await before.look(
        `insert into credentials (id, tenant_id, kind, name, state, sealed, created_at)
         values ($1, $2, 'postgres', $3, 'active', $4, now())`,
        [id, tenant.id, `n${n}`, sealed],
      );
    }
    expect((await resealIn(now)).values).toBeGreaterThan(450);
    expect(await leftIn(now)).toEqual([]);
  });
});

describe("stallholder keys reseal", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "reseal-"));
    process.env["DATA_DIR"] = folder;
  });

  afterAll(async () => {
    for (const name of ["DATABASE_URL", "DATA_DIR", "SECRET_KEYS"]) delete process.env[name];
    await rm(folder, { recursive: true });
  });

  test("says what each key has sealed, does it, and says which key may go", async () => {
    const { now } = await served();
    Object.assign(process.env, { DATABASE_URL: now.database.appUrl, SECRET_KEYS: now.ringText });
    const before = await runCommand(() => resealSecrets({ status: true }));
    expect(before.code).toBe(1);
    expect(before.out).toContain("of credentials.sealed are sealed with old\n");
    expect(before.out).not.toContain("may be removed");
    const { code, out } = await runCommand(() => resealSecrets({}));
    expect(code).toBe(0);
    expect(out).toContain("Nothing is sealed with old any more: it may be removed from SECRET_KEYS.");
    const json = JSON.parse((await runCommand(() => resealSecrets({ status: true, json: true }))).out);
    expect(json).toMatchObject({ seals: "next", removable: ["old"] });
    const told = await now.look("select data->>'to' as to from audit_entries where action = 'keys.resealed' limit 1");
    expect(told).toEqual([{ to: "next" }]);
    const crossed = await now.look(
      "select from audit_entries where action = 'operator.crossed' and data->>'reason' = 'keys reseal' and data->>'door' = 'put_resealed'",
    );
    expect(crossed).toHaveLength(1);
  });

  test("names what does not open, and a key that the ring lacks", async () => {
    const { now, next, tenant } = await served();
    await now.look("update tenants set kept_sealed = regexp_replace(kept_sealed, '.{6}$', 'AAAAAA')");
    Object.assign(process.env, { DATABASE_URL: now.database.appUrl, SECRET_KEYS: now.ringText });
    const altered = await runCommand(() => resealSecrets({}));
    expect(altered.code).toBe(1);
    expect(altered.out).toContain(`does not open: tenants.kept_sealed ${tenant.id}: `);
    expect(altered.out).not.toContain("may be removed");
    process.env["SECRET_KEYS"] = next;
    const { out } = await runCommand(() => resealSecrets({ status: true }));
    expect(out).toContain("of tenants.kept_sealed are sealed with old, which the ring lacks: put it back");
  });
});
