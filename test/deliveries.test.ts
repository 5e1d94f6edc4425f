import { setTimeout as sleep } from "node:timers/promises";
import {
  type ClaimedCall,
  claimOwedCalls,
  type Delivery,
  type NewOwedCall,
  settleOwedCall,
} from "../src/deliveries/deliveries.ts";
import type { Tenant } from "../src/tenants/tenants.ts";
import { MINUTE, SECOND } from "./support/clock.ts";
import { about, closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";
import { hangs } from "./support/scripted-product.ts";

let shop: TestProvider;

beforeAll(async () => {
  shop = await testProvider({ budgets: { product: 150 } });
});

afterEach(async () => {
  shop.product.reset();
  shop.deliver = () => ({ outcome: "delivered" });
  await shop.rest();
  shop.told.length = 0;
});

afterAll(closeProviders);

const call = (kind: string, more: Partial<NewOwedCall> = {}): NewOwedCall => ({ marketplace: "bazaar", kind, ...more });

/** A tenant that owes these calls. */
async function owing(...owed: NewOwedCall[]): Promise<Tenant> {
  return (await shop.provision(purchase({ owed }))).value.tenant;
}

const claim = (limit = 10) => claimOwedCalls(shop.deps.store, shop.clock.now(), limit);
const settle = (claimed: ClaimedCall, result: Delivery) =>
  settleOwedCall(shop.deps.store, claimed, shop.clock.now(), result, shop.clock.now());
const kinds = (claimed: readonly ClaimedCall[]) => claimed.map((one) => one.call.kind);
const failed: Delivery = { outcome: "retry", fault: "503", status: 503 };

async function first(claimed: Promise<readonly ClaimedCall[]>): Promise<ClaimedCall> {
  const [one] = await claimed;
  if (one === undefined) throw new Error("No call is due.");
  return one;
}

async function stateOf(tenant: Tenant): Promise<string[]> {
  const rows = await shop.look<{ is: string }>(
    "select kind || ' ' || state as is from owed_calls where tenant_id = $1 order by sequence",
    [tenant.id],
  );
  return rows.map((row) => row.is);
}

describe("owed calls", () => {
  test("are delivered in the order in which they were owed, one after the other", async () => {
    await owing(call("one"), call("two"), call("three"));
    for (const kind of ["one", "two", "three"]) {
      const claimed = await claim();
      expect(kinds(claimed)).toEqual([kind]);
      await settle(await first(Promise.resolve(claimed)), { outcome: "delivered", status: 200 });
    }
    expect(await claim()).toEqual([]);
  });

  test("never overtake a failed earlier one of their lane; another lane and another tenant go on", async () => {
    const tenant = await owing(call("one"), call("two"), call("aside", { lane: "grant" }));
    await settle(await first(claim(1)), failed);
    expect(kinds(await claim())).toEqual(["aside"]);
    await owing(call("other"));
    expect(kinds(await claim())).toEqual(["other"]);
    shop.clock.advance(2 * SECOND);
    const again = await first(claim());
    expect(again.call).toMatchObject({ tenant: tenant.id, kind: "one", attempt: 2 });
    await settle(again, { outcome: "delivered" });
    expect(kinds(await claim())).toEqual(["two"]);
  });

  test("go to one of many workers at once", async () => {
    await owing(call("one"));
    await owing(call("two"));
    const claims = await Promise.all(Array.from({ length: 20 }, () => claim()));
    expect(kinds(claims.flat()).sort()).toEqual(["one", "two"]);
  });

  test("of a worker that died are tried again after its lease, and its late answer changes nothing", async () => {
    const tenant = await owing(call("one"));
    const dead = await first(claim());
    shop.clock.advance(30 * SECOND - 1);
    expect(await claim()).toEqual([]);
    shop.clock.advance(1);
    const alive = await first(claim());
    expect(alive.call).toMatchObject({ kind: "one", attempt: 2 });
    await settle(dead, { outcome: "given_up", fault: "late" });
    expect(await stateOf(tenant)).toEqual(["one owed"]);
    await settle(alive, { outcome: "delivered" });
    await settle(alive, failed);
    expect(await stateOf(tenant)).toEqual(["one delivered"]);
    const attempts = await shop.look("select attempt, outcome from deliveries where tenant_id = $1", [tenant.id]);
    expect(attempts).toEqual([{ attempt: 2, outcome: "delivered" }]);
  });

  test("wait as long as the marketplace asks, else by the law of the retry delay", async () => {
    const tenant = await owing(call("one"));
    await settle(await first(claim()), { ...failed, afterSeconds: 90 });
    shop.clock.advance(90 * SECOND - 1);
    expect(await claim()).toEqual([]);
    shop.clock.advance(1);
    await settle(await first(claim()), failed);
    const [row] = await shop.look<{ seconds: string; last_fault: string; attempts: number }>(
      "select extract(epoch from due_at - $2) as seconds, last_fault, attempts from owed_calls where tenant_id = $1",
      [tenant.id, shop.clock.now()],
    );
    expect(row).toMatchObject({ last_fault: "503", attempts: 2 });
    expect(Number(row?.seconds)).toBeGreaterThanOrEqual(2);
    expect(Number(row?.seconds)).toBeLessThanOrEqual(4);
  });

  test("that are given up are seen: a state, an event, and the next call goes on", async () => {
    const tenant = await owing(call("one"), call("two"));
    await settle(await first(claim()), { outcome: "given_up", fault: "404", status: 404 });
    expect(await stateOf(tenant)).toEqual(["one given_up", "two owed"]);
    const [event] = await shop.look<{ type: string; data: unknown }>(
      "select type, data from lifecycle_events where tenant_id = $1 order by sequence desc limit 1",
      [tenant.id],
    );
    expect(event).toEqual({ type: "call.given_up", data: { kind: "one", attempts: 1, fault: "404" } });
    expect(kinds(await claim())).toEqual(["two"]);
  });

  test("are given up by themselves after 40 tries", async () => {
    const tenant = await owing(call("one"));
    shop.deliver = () => failed;
    for (let tries = 0; tries < 45; tries += 1) {
      await shop.work();
      shop.clock.advance(121 * MINUTE);
    }
    expect(shop.told).toHaveLength(40);
    expect(await stateOf(tenant)).toEqual(["one given_up"]);
  });

  test("owed twice under the same name are owed once, for ever", async () => {
    const order = purchase({
      owed: [call("one", { once: "a" }), call("one", { once: "a" }), call("one", { once: "b" })],
    });
    const { tenant } = (await shop.provision(order)).value;
    await shop.rest();
    await shop.provision(order);
    expect(await stateOf(tenant)).toEqual(["one delivered", "one delivered"]);
    const numbers = await shop.look(
      "select last_call::int, sequence::int from tenants t join owed_calls c on c.tenant_id = t.id where t.id = $1 order by sequence",
      [tenant.id],
    );
    expect(numbers).toEqual([
      { last_call: 2, sequence: 1 },
      { last_call: 2, sequence: 2 },
    ]);
  });

  test("cannot be stored twice under the same name, whoever tries", async () => {
    const tenant = await owing(call("one", { once: "a" }));
    const again = shop.deps.store.asTenant(tenant.id, (tx) =>
      tx.query("insert into owed_calls select (jsonb_populate_record(c, '{\"sequence\": 2}')).* from owed_calls c"),
    );
    await expect(again).rejects.toThrow("owed_calls_tenant_id_once_key");
  });

  test("owed at the same moment under the same name are owed once", async () => {
    const tenant = await owing();
    const owe = () =>
      shop.deps.store.asTenant(tenant.id, async (tx) => {
        await tx.query("select owe_calls($1, $2, $3)", [
          tenant.id,
          JSON.stringify([{ ...call("one"), lane: "main", once: "a" }]),
          shop.clock.now(),
        ]);
        await sleep(30);
      });
    await Promise.all([owe(), owe(), owe()]);
    expect(await stateOf(tenant)).toEqual(["one owed"]);
  });

  test("end with their tenant: nothing is told about it any more, and a call under way settles into nothing", async () => {
    const tenant = await owing(call("one"), call("two"));
    const underWay = await first(claim());
    await shop.deprovision(about(tenant));
    await settle(underWay, { outcome: "given_up", fault: "gone over there" });
    expect(await claim()).toEqual([]);
    expect(await stateOf(tenant)).toEqual(["one cancelled", "two cancelled"]);
  });

  test("are not owed by a repeat that comes while its tenant is removed", async () => {
    const order = purchase();
    const { tenant } = (await shop.provision(order)).value;
    const owed = [call("late", { once: "late" })];
    const { repeat } = await shop.deps.store.asTenant(tenant.id, async (tx) => {
      await tx.query("select from tenants where id = $1 for no key update", [tenant.id]);
      const pending = shop.provision({ ...order, owed }).catch((fault: unknown) => fault);
      await sleep(100);
      await tx.query("update tenants set state = 'deprovisioning' where id = $1", [tenant.id]);
      return { repeat: pending };
    });
    expect(await repeat).toMatchObject({ code: "tenant_gone" });
    expect(await stateOf(tenant)).toEqual([]);
    await shop.look("update tenants set state = 'active' where id = $1", [tenant.id]);
  });

  test("may be given up while their tenant is removed: neither waits for the other", async () => {
    for (let round = 0; round < 5; round += 1) {
      const tenant = await owing(call("one"), call("two", { lane: "other" }));
      const claimed = await claim();
      const giveUp = claimed.map((one) => settle(one, { outcome: "given_up", fault: "x" }));
      await Promise.all([...giveUp, shop.deprovision(about(tenant))]);
    }
    const [row] = await shop.look<{ deadlocks: string }>(
      "select deadlocks from pg_stat_database where datname = current_database()",
    );
    expect(Number(row?.deadlocks)).toBe(0);
  });

  test("to the product are tried within its budget, refused or silent, until it has undone the provision", async () => {
    const impatient = await testProvider({
      beside: shop,
      abilities: { provisionDeadlineSeconds: 1 },
      budgets: { product: 50 },
    });
    impatient.product.answer(hangs);
    const { tenant } = (await impatient.provision(purchase())).value;
    shop.clock.advance(5 * SECOND);
    shop.product.answer(hangs, new Error("down"));
    const startedAt = performance.now();
    await shop.work();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(await stateOf(tenant)).toContain("deprovision owed");
    await shop.rest();
    expect(await stateOf(tenant)).toContain("deprovision delivered");
    expect(shop.product.calls.map((one) => one.verb)).toEqual(["deprovision", "deprovision", "deprovision"]);
    expect(new Set(shop.product.calls.map((one) => one.operationId)).size).toBe(1);
  });
});

describe("lag", () => {
  const since = async () => {
    const text = "select oldest_untried($1) as since";
    const [row] = await shop.deps.store.throughDoor<{ since: Date | null }>({ text, values: [shop.clock.now()] });
    return row?.since ?? null;
  };

  test("begins when work is due that nobody has tried; what waits for its next try, or behind such, is none", async () => {
    expect(await since()).toBeNull();
    const owedAt = shop.clock.now();
    await owing(call("one"), call("two"));
    shop.clock.advance(MINUTE);
    expect(await since()).toEqual(owedAt);
    await settle(await first(claim()), failed);
    expect(await since()).toBeNull();
    shop.clock.advance(MINUTE);
    expect(await since()).toBeNull();
    const laterAt = shop.clock.now();
    await owing(call("other"));
    shop.clock.advance(MINUTE);
    expect(await since()).toEqual(laterAt);
  });
});
