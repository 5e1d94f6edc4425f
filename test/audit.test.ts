import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import pg from "pg";
import { appendAudit } from "../src/events/audit.ts";
import { anchorAudit } from "../src/events/audit-anchor.ts";
import { derive, parseKeyRing } from "../src/secrets/key-ring.ts";
import type { Tenant } from "../src/tenants/tenants.ts";
import { auditKeys, verdictOf } from "./support/audit.ts";
import { MINUTE } from "./support/clock.ts";
import { about, closeProviders, MARKETPLACE, purchase, type TestProvider, testProvider } from "./support/provider.ts";

afterAll(closeProviders);

async function bought(shop: TestProvider): Promise<Tenant> {
  return (await shop.provision(purchase())).value.tenant;
}

interface Entry {
  readonly action: string;
  readonly by: string;
  readonly data: Record<string, unknown>;
}

const entriesOf = (shop: TestProvider, tenant: Tenant) =>
  shop.look<Entry>("select action, by, data from audit_entries where chain = $1 order by sequence", [tenant.id]);

describe("the audit", () => {
  test("tells what was done to a credential, by whom, with the key's id and last four characters and never more", async () => {
    const shop = await testProvider();
    const tenant = await bought(shop);
    const first = await shop.configVars(tenant.id);
    await shop.rotateCredentials({ ...about(tenant), overlapSeconds: 3_600 });
    const second = await shop.configVars(tenant.id);
    await shop.revealConfigVar(about(tenant), "ACME_SEARCH_API_KEY");
    await shop.rest();
    shop.clock.advance(90 * MINUTE);
    await shop.rest();
    await shop.deprovision({ ...about(tenant), by: `marketplace:${MARKETPLACE}` });
    const told = await entriesOf(shop, tenant);
    expect(told.map(({ action, by, data }) => [action, by, data["last_four"]])).toEqual([
      ["credential.issued", "marketplace:bazaar", first["ACME_SEARCH_API_KEY"]?.slice(-4)],
      ["credential.rotated", "customer:1", first["ACME_SEARCH_API_KEY"]?.slice(-4)],
      ["credential.issued", "customer:1", second["ACME_SEARCH_API_KEY"]?.slice(-4)],
      ["credential.revealed", "customer:1", second["ACME_SEARCH_API_KEY"]?.slice(-4)],
      ["credential.revoked", "job:retire-credentials", first["ACME_SEARCH_API_KEY"]?.slice(-4)],
      ["credential.revoked", "marketplace:bazaar", second["ACME_SEARCH_API_KEY"]?.slice(-4)],
    ]);
    for (const value of [first, second].map((vars) => vars["ACME_SEARCH_API_KEY"] ?? "")) {
      const secret = value.split("_").at(-2) ?? value;
      expect(JSON.stringify(told)).not.toContain(secret.slice(0, 12));
    }
  });

  test("has as many entries as credentials have changed, in whatever transaction, also when connections are cut", async () => {
    const shop = await testProvider({ budgets: { product: 200, parting: 200, turn: 200 } });
    // A second witness: every change, written down in its own transaction.
    await shop.look(`create table seen (tenant text, credential uuid, became text)`);
    await shop.look(`create function see() returns trigger language plpgsql security definer as $$ begin
      insert into seen values (new.tenant_id, new.id, new.state); return null; end $$`);
    await shop.look("create trigger seen_new after insert on credentials for each row execute function see()");
    await shop.look(`create trigger seen_change after update on credentials for each row
      when (old.state is distinct from new.state) execute function see()`);
    let cutting = true;
    let cut = 0;
    const cuts = (async () => {
      while (cutting) {
        const ended = await shop.look(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and usename = 'stallholder_app' and random() < 0.3`,
        );
        cut += ended.length;
        await sleep(10);
      }
    })();
    const life = async () => {
      const { value } = await shop.provision(purchase());
      for (const overlapSeconds of [60, 0, 60]) {
        await shop.rotateCredentials({ ...about(value.tenant), overlapSeconds }).catch(() => undefined);
      }
      await shop.deprovision(about(value.tenant));
    };
    await Promise.all(Array.from({ length: 30 }, () => life().catch(() => undefined)));
    cutting = false;
    await cuts;
    await shop.rest();
    expect(cut).toBeGreaterThan(5);
    const changes = await shop.look<{ seen: string; told: string; unknown: string }>(
      `select (select count(*) from seen) as seen,
              (select count(*) from audit_entries) as told,
              (select count(*) from audit_entries where by = 'unknown') as unknown`,
    );
    expect(Number(changes[0]?.seen)).toBeGreaterThan(60);
    expect(changes[0]).toEqual({ seen: changes[0]?.seen, told: changes[0]?.seen, unknown: "0" });
    const unlike = await shop.look(
      `select tenant, credential::text, became from seen
       except all select chain, data->>'credential', data->>'to' from audit_entries`,
    );
    expect(unlike).toEqual([]);
    expect((await verdictOf(shop)).faults).toEqual([]);
  });

  test("is nobody's to change: not the serving role's, not the owner's, not through a door", async () => {
    const shop = await testProvider();
    const tenant = await bought(shop);
    await shop.anchorAudit();
    const attempts = ["audit_entries", "audit_heads", "audit_anchors", "audit_chains"].flatMap((table) => [
      `delete from ${table}`,
      `truncate ${table}`,
      ...(table === "audit_chains" ? [] : [`update ${table} set sequence = sequence`]),
    ]);
    for (const url of [shop.database.appUrl, shop.database.ownerUrl]) {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      for (const attempt of [
        ...attempts,
        ...(url === shop.database.appUrl
          ? ["update audit_chains set anchored = 9", "insert into audit_entries select * from audit_entries"]
          : []),
      ]) {
        await client.query("begin; set local application_name = 'stallholder door'");
        await client.query("select set_config('app.tenant_id', $1, true)", [tenant.id]);
        await expect(client.query(attempt)).rejects.toMatchObject({ code: "42501" });
        await client.query("rollback");
      }
      await client.end();
    }
  });

  test("does not fork when many write to one chain at once, and many chains do not wait for one", async () => {
    const shop = await testProvider();
    const [busy, quiet] = [await bought(shop), await bought(shop)];
    const append = (tenant: Tenant) =>
      shop.deps.store.asTenant(tenant.id, (tx) => {
        const entry = { action: "aws.assumed", by: "product", at: shop.clock.now() } as const;
        return appendAudit(tx, tenant.id, entry, shop.clock.now());
      });
    await Promise.all(Array.from({ length: 100 }, () => append(busy)));
    const told = await shop.look<{ sequence: string }>(
      "select sequence from audit_entries where chain = $1 order by 1",
      [busy.id],
    );
    expect(told.map(({ sequence }) => Number(sequence))).toEqual(Array.from({ length: 101 }, (_, n) => n + 1));
    expect((await verdictOf(shop)).faults).toEqual([]);
    // Somebody holds the head of one chain: the other goes on.
    await shop.deps.store.asTenant(busy.id, async (tx) => {
      await appendAudit(tx, busy.id, { action: "aws.assumed", by: "product", at: shop.clock.now() }, shop.clock.now());
      await append(quiet);
    });
    expect(await entriesOf(shop, quiet)).toHaveLength(2);
  });

  test("refuses an entry in the chain of another tenant, and takes one in the operator's", async () => {
    const shop = await testProvider();
    const [one, other] = [await bought(shop), await bought(shop)];
    const entry = { action: "operator.crossed", by: "operator:jo", at: shop.clock.now() } as const;
    const into = (chain: string) =>
      shop.deps.store.asTenant(one.id, (tx) => appendAudit(tx, chain, entry, shop.clock.now()));
    await expect(into(other.id)).rejects.toMatchObject({ code: "tenant_mismatch" });
    await into("operator");
    expect(await shop.look("select by from audit_entries where chain = 'operator'")).toEqual([{ by: "operator:jo" }]);
    const seen = await shop.deps.store.asTenant(one.id, (tx) => tx.query("select chain from audit_entries"));
    expect(seen).toEqual([{ chain: one.id }]);
  });

  test("is hashed alike here and in the database, whatever it holds", async () => {
    const shop = await testProvider();
    const { id } = await bought(shop);
    const json = fc.dictionary(fc.string({ unit: "grapheme", maxLength: 12 }), fc.jsonValue({ maxDepth: 2 }));
    const told = fc.record({
      by: fc.string({ unit: "grapheme", maxLength: 40 }),
      data: json,
      ms: fc.integer({ min: 0, max: 4e12 }),
    });
    await fc.assert(
      fc.asyncProperty(told, async ({ by, data, ms }) => {
        // PostgreSQL has no place for NUL in a text, nor for half a character.
        const clean = JSON.parse(JSON.stringify(data).replace(/\\u0000|\\ud[89a-f]../gi, ""));
        const entry = {
          action: "aws.assumed",
          by: by.replaceAll("\0", "") as "product",
          at: new Date(ms),
          data: clean,
        } as const;
        await shop.deps.store.asTenant(id, (tx) => appendAudit(tx, id, entry, new Date(ms + 1)));
      }),
      { numRuns: 60 },
    );
    expect(await verdictOf(shop)).toMatchObject({ faults: [], entries: 61 });
  });
});

describe("the anchors of the audit", () => {
  test("hold the heads that moved, once a minute, whoever makes them", async () => {
    const shop = await testProvider();
    const beside = await testProvider({ beside: shop });
    const [one, two] = [await bought(shop), await bought(shop)];
    const made = (await Promise.all([shop, beside, shop, beside].map((worker) => worker.anchorAudit()))).flat();
    expect(made).toEqual([{ sequence: 1, heads: 2, hash: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
    await shop.revealConfigVar(about(two), "ACME_SEARCH_API_KEY");
    expect(await shop.anchorAudit()).toEqual([]);
    expect(await verdictOf(shop)).toMatchObject({ unanchored: 1, faults: [] });
    shop.clock.advance(MINUTE);
    expect(await shop.anchorAudit()).toMatchObject([{ sequence: 2, heads: 1 }]);
    shop.clock.advance(MINUTE);
    expect(await shop.anchorAudit()).toEqual([]);
    expect(await verdictOf(shop)).toMatchObject({ chains: 2, entries: 3, anchors: 2, unanchored: 0, faults: [] });
    expect(await verdictOf(shop, { chain: one.id })).toMatchObject({ chains: 1, entries: 1, faults: [] });
  });

  test("come in bounded batches", async () => {
    const shop = await testProvider();
    await shop.look(
      `insert into audit_chains (chain, sequence, hash)
       select rpad('a', 26, translate(n::text, '0189', 'wxyz')), 1, sha256('x') from generate_series(1, 9999) n
       on conflict do nothing`,
    );
    const [row] = await shop.look<{ chains: number }>("select count(*)::int as chains from audit_chains");
    const chains = row?.chains ?? 0;
    const made = await shop.anchorAudit();
    expect(chains).toBeGreaterThan(2_000);
    expect(made.map(({ heads }) => heads)).toEqual([...Array(Math.floor(chains / 1_000)).fill(1_000), chains % 1_000]);
  });

  test("are vouched for by the newest key: one anchor under it, and the old key may go", async () => {
    const shop = await testProvider();
    await bought(shop);
    await shop.anchorAudit();
    const ring = parseKeyRing(`next:${randomBytes(32).toString("base64url")}`);
    const keys = auditKeys(ring);
    expect((await verdictOf(shop, { keys })).faults).toMatchObject([
      { chain: "anchors", sequence: 1, kind: "unvouched" },
    ]);
    const key = { id: "next", key: derive(ring.primary, "audit") };
    expect(await anchorAudit(shop.deps.store, key, shop.clock.now())).toMatchObject([{ sequence: 2, heads: 0 }]);
    expect(await anchorAudit(shop.deps.store, key, shop.clock.now())).toEqual([]);
    expect((await verdictOf(shop, { keys })).faults).toEqual([]);
  });
});
