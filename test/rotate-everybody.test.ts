import type { Store } from "../src/isolation/isolation.ts";
import type { ProviderJobs } from "../src/provider/contract.ts";
import { createProvider } from "../src/provider/provider.ts";
import { steerRotation } from "../src/provider/rotations.ts";
import { verdictOf } from "./support/audit.ts";
import { HOUR, MINUTE } from "./support/clock.ts";
import { about, closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";
import { API_KEY, by, keysOf, look, proofOf, shopOf, start, statusOf, workOn } from "./support/rotation.ts";

afterAll(closeProviders);

const steer = (shop: TestProvider, id: string, how: "pause" | "resume" | "cancel") =>
  steerRotation(shop.deps.store, id, how, by, shop.clock.now());

/** Another change of the tenant that comes to no end. */
async function keepBusy(shop: TestProvider, tenant: string): Promise<void> {
  await shop.look(
    `insert into operations (id, tenant_id, kind, state, by, at, due_at, created_at)
     values (gen_random_uuid(), $1, 'suspend', 'running', 'product', '2026-01-01', '9999-01-01', '2026-01-01')`,
    [tenant],
  );
}

describe("rotating everybody", () => {
  test("gives each tenant new keys that are judged valid and pushed, and ends the old ones after the overlap", async () => {
    const { shop, ids, keys } = await shopOf(12);
    const id = await start(shop);
    await workOn(shop, 12);
    expect(await statusOf(shop, id)).toMatchObject({
      state: "running",
      stage: "rest",
      tenants: { taken: 12 },
      canaries: 2,
    });
    const fresh = await keysOf(shop, ids);
    for (const [n, key] of fresh.entries()) {
      expect(key).not.toBe(keys[n]);
      expect((await shop.verifyKey(key)).valid).toBe(true);
      expect((await shop.verifyKey(keys[n] ?? "")).valid).toBe(true);
    }
    const pushed = shop.told.filter(({ kind }) => kind === "push-config").map(({ tenant }) => tenant);
    expect(pushed.sort()).toEqual([...ids].sort());
    shop.clock.advance(2 * HOUR + MINUTE);
    await workOn(shop, 4);
    expect(await statusOf(shop, id)).toMatchObject({ state: "done", tenants: { ended: 12 }, failed: [] });
    for (const key of keys) expect((await shop.verifyKey(key)).valid).toBe(false);
    for (const row of await proofOf(shop, id)) {
      const place = ids.indexOf(row.tenant);
      expect(row).toMatchObject({
        state: "ended",
        attempts: 1,
        keys: [
          {
            kind: "api-key",
            var: API_KEY,
            old: { key_id: keys[place]?.split("_")[2], last_four: keys[place]?.slice(-4) },
            new: { key_id: fresh[place]?.split("_")[2], last_four: fresh[place]?.slice(-4) },
          },
        ],
        rotated_at: expect.any(String),
        judged_at: expect.any(String),
        pushed_at: expect.any(String),
        ended_at: expect.any(String),
      });
    }
    const told = await shop.look<{ action: string; by: string }>(
      `select action, "by" from audit_entries where chain = 'operator' order by sequence`,
    );
    expect(told).toEqual([
      { action: "rotation.started", by },
      { action: "rotation.ended", by: "job:rotate" },
    ]);
    expect((await verdictOf(shop)).faults).toEqual([]);
  });

  test("lets the canaries go first, and the rest wait until a marketplace has taken theirs", async () => {
    const { shop } = await shopOf(10);
    let open = false;
    shop.deliver = () => (open ? { outcome: "delivered" } : { outcome: "retry", fault: "503", afterSeconds: 1 });
    const id = await start(shop, { canary: 20 });
    await workOn(shop, 10);
    expect(await statusOf(shop, id)).toMatchObject({ stage: "canary", tenants: { rotated: 2, waiting: 8 } });
    open = true;
    await workOn(shop, 10);
    expect(await statusOf(shop, id)).toMatchObject({ stage: "rest", tenants: { taken: 10 } });
  });

  test("does not wait for its canaries where it was told not to", async () => {
    const { shop } = await shopOf(10);
    shop.deliver = () => ({ outcome: "retry", fault: "503", afterSeconds: 1 });
    const id = await start(shop, { canary: 20, waits: false, batch: 100 });
    await workOn(shop, 6);
    expect(await statusOf(shop, id)).toMatchObject({ stage: "rest", tenants: { rotated: 10 } });
  });

  test("stops when a canary fails, says so, and goes on when somebody has looked", async () => {
    const { shop } = await shopOf(10);
    shop.deliver = () => ({ outcome: "given_up", fault: "410 Gone" });
    const id = await start(shop, { canary: 10 });
    await workOn(shop, 8);
    const stopped = await statusOf(shop, id);
    expect(stopped).toMatchObject({
      state: "paused",
      fault: "1 of the canaries failed",
      tenants: { failed: 1, waiting: 9 },
    });
    expect(stopped.failed).toMatchObject([{ note: "the marketplace did not take it: 410 Gone" }]);
    shop.deliver = () => ({ outcome: "delivered" });
    await steer(shop, id, "resume");
    await workOn(shop, 10);
    expect(await statusOf(shop, id)).toMatchObject({ stage: "rest", tenants: { failed: 1, taken: 9 } });
  });

  test("stops the rest too when too many fail", async () => {
    const { shop } = await shopOf(20);
    const id = await start(shop, { canary: 5, batch: 4 });
    for (let round = 0; round < 40; round += 1) {
      if ((await statusOf(shop, id)).stage === "rest") shop.deliver = () => ({ outcome: "given_up", fault: "500" });
      await look(shop);
      shop.clock.advance(2_000);
    }
    const { state, fault, tenants } = await statusOf(shop, id);
    expect([state, fault]).toEqual(["paused", expect.stringMatching(/^\d failed, of \d+$/)]);
    expect(tenants.failed).toBeLessThanOrEqual(8);
    expect(tenants.waiting).toBeGreaterThanOrEqual(5);
  });

  test("keeps to its batch, however many workers there are", async () => {
    const { shop } = await shopOf(12);
    const others = [await testProvider({ beside: shop }), await testProvider({ beside: shop })];
    shop.deliver = () => ({ outcome: "retry", fault: "503", afterSeconds: 1 });
    const id = await start(shop, { canary: 0, batch: 3 });
    for (let round = 0; round < 8; round += 1) {
      const turns = (await Promise.all([shop, ...others].map((worker) => worker.startRotations(10)))).flat();
      await Promise.all(turns);
      expect((await statusOf(shop, id)).tenants.rotated ?? 0).toBeLessThanOrEqual(3);
      shop.clock.advance(1_000);
    }
    expect((await statusOf(shop, id)).tenants).toEqual({ rotated: 3, waiting: 9 });
    // Those whose marketplace stays away keep nobody else from a turn.
    shop.clock.advance(11 * MINUTE);
    await Promise.all(await shop.startRotations(10));
    expect((await statusOf(shop, id)).tenants).toEqual({ rotated: 6, waiting: 6 });
  });

  test("pauses between two turns, goes on, and is cancelled for those that had none", async () => {
    const { shop, ids, keys } = await shopOf(9);
    const id = await start(shop, { canary: 0, batch: 3 });
    await look(shop);
    await look(shop);
    await steer(shop, id, "pause");
    await workOn(shop, 3);
    const paused = await statusOf(shop, id);
    expect(paused.tenants).toMatchObject({ taken: 3, waiting: 6 });
    await expect(steer(shop, id, "pause")).rejects.toMatchObject({ code: "request_malformed" });
    await expect(start(shop)).rejects.toMatchObject({ code: "request_conflict" });
    await steer(shop, id, "resume");
    await look(shop);
    await steer(shop, id, "cancel");
    await workOn(shop, 3);
    expect((await statusOf(shop, id)).tenants).toMatchObject({ taken: 6, left: 3 });
    const fresh = await keysOf(shop, ids);
    expect(fresh.filter((key, n) => key === keys[n])).toHaveLength(3);
    await expect(steer(shop, id, "resume")).rejects.toMatchObject({ code: "request_malformed" });
    await start(shop);
  });

  test("is right about tenants that come, go, wait for something else, or were renewed meanwhile", async () => {
    const { shop, ids } = await shopOf(6);
    const [leaving, busy, renewed] = ids as [string, string, string];
    await keepBusy(shop, busy);
    const id = await start(shop, { canary: 0 });
    await look(shop, 0);
    await look(shop, 0);
    const late = (await shop.provision(purchase())).value.tenant.id;
    await shop.deprovision(about({ id: leaving }));
    shop.clock.advance(1_000);
    await shop.rotateCredentials(about({ id: renewed }));
    const own = (await shop.configVars(renewed))[API_KEY];
    await workOn(shop, 6);
    expect((await statusOf(shop, id)).tenants).toEqual({ gone: 1, waiting: 1, taken: 3, ended: 1 });
    await shop.look("delete from operations where kind = 'suspend'");
    await workOn(shop, 20);
    const proof = await proofOf(shop, id);
    expect((await statusOf(shop, id)).tenants).toEqual({ gone: 1, taken: 4, ended: 1 });
    expect(proof.find(({ tenant }) => tenant === late)).toBeUndefined();
    expect(proof.find(({ tenant }) => tenant === renewed)).toMatchObject({
      keys: [],
      note: expect.stringContaining("renewed"),
    });
    expect((await shop.configVars(renewed))[API_KEY]).toBe(own);
    expect(proof.find(({ tenant }) => tenant === busy)?.attempts).toBeGreaterThan(1);
  });

  test("names a tenant as failed that cannot be rotated for hours", async () => {
    const { shop, ids } = await shopOf(2);
    await keepBusy(shop, ids[0] ?? "");
    const id = await start(shop, { canary: 0 });
    for (let round = 0; round < 45; round += 1) {
      await Promise.all(await shop.startRotations(10));
      shop.clock.advance(16 * MINUTE);
    }
    const { failed } = await statusOf(shop, id);
    expect(failed).toEqual([{ tenant: ids[0], note: expect.stringContaining("Another change is under way") }]);
  });
});

describe("a worker that dies", () => {
  test("at any statement leaves no tenant forgotten and none rotated twice", async () => {
    const { shop, ids, keys } = await shopOf(8);
    const id = await start(shop, { canary: 25, batch: 4, overlapSeconds: 604_800 });
    let deaths = 0;
    for (let statement = 0; statement < 400; statement += 1) {
      const dying = mortal(shop, statement % 23);
      await workOf(dying).catch(() => undefined);
      if (dying.dead()) deaths += 1;
      await shop.work();
      // Longer than any lease.
      shop.clock.advance(45_000);
      const { tenants } = await statusOf(shop, id);
      if ((tenants.taken ?? 0) === ids.length) break;
    }
    await workOn(shop, 4);
    expect(deaths).toBeGreaterThan(10);
    expect((await statusOf(shop, id)).tenants).toEqual({ taken: 8 });
    const issued = await shop.look<{ tenant_id: string; count: string }>(
      "select tenant_id, count(*) from credentials where tenant_id = any($1) group by 1",
      [ids],
    );
    expect(issued.map(({ count }) => Number(count))).toEqual(Array(8).fill(2));
    const fresh = await keysOf(shop, ids);
    expect(fresh.filter((key, n) => key === keys[n])).toEqual([]);
    for (const row of await proofOf(shop, id)) {
      expect(row.keys[0]?.new.key_id).toBe(fresh[ids.indexOf(row.tenant)]?.split("_")[2]);
    }
  }, 60_000);

  /** Another process, which is gone after so many steps; a transaction it is in then is not committed. */
  function mortal(shop: TestProvider, after: number): ProviderJobs & { dead(): boolean } {
    let left = after;
    const live = () => {
      left -= 1;
      if (left < 0) throw new Error("The process is dead.");
    };
    const { store } = shop.deps;
    const mortalStore: Store = {
      ...store,
      asTenant: (tenant, work) =>
        store.asTenant(tenant, async (tx) => {
          live();
          const value = await work({
            ...tx,
            query: (...query) => {
              live();
              return tx.query(...query);
            },
          });
          live();
          return value;
        }),
      throughDoor: async (statement) => {
        live();
        return store.throughDoor(statement);
      },
    };
    return Object.assign(createProvider({ ...shop.deps, store: mortalStore }), { dead: () => left < 0 });
  }

  async function workOf(jobs: ProviderJobs): Promise<void> {
    await Promise.all(await jobs.startRotations(3));
    await Promise.all(await jobs.startDueOperations(3));
    await jobs.followRotations();
  }
});
