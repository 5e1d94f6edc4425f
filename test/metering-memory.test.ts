import { randomUUID } from "node:crypto";
import { DAY, HOUR, MINUTE } from "./support/clock.ts";
import { about, closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { newTenant, send, settle } from "./support/usage.ts";

let shop: TestProvider;

beforeAll(async () => {
  shop = await testProvider();
});

afterAll(closeProviders);

const event = (tenant: string, more: object = {}) => ({
  id: randomUUID(),
  tenant,
  dimension: "requests",
  quantity: 1,
  ...more,
});

/** Another process, which has seen neither a repeat nor these tenants, and knows the day: its next try is its first. */
async function freshProcess(): Promise<TestProvider> {
  const own = await testProvider({ beside: shop });
  expect(await send(own, event(await newTenant(shop)))).toEqual(["accepted"]);
  return own;
}

describe("a process that has seen a tenant alive", () => {
  test("takes nothing more for it from the moment it ends: before the gate moves, behind it, and once it is sealed", async () => {
    const own = await freshProcess();
    const tenants = [await newTenant(shop), await newTenant(shop)];
    const [ending = "", staying = ""] = tenants;
    const both = () => send(own, event(ending), event(staying));
    expect(await both()).toEqual(["accepted", "accepted"]);
    await shop.deprovision(about({ id: ending }));
    expect(await both()).toEqual(["usage_closed", "accepted"]);
    await shop.look("select move_usage_gate($1)", [shop.clock.now()]);
    expect(await both()).toEqual(["usage_closed", "accepted"]);
    await settle(shop);
    expect(await both()).toEqual(["usage_closed", "accepted"]);
  });

  test("hears of an end that was sealed while it stored nothing", async () => {
    const own = await freshProcess();
    const tenant = await newTenant(shop);
    expect(await send(own, event(tenant))).toEqual(["accepted"]);
    await shop.deprovision(about({ id: tenant }));
    await settle(shop);
    expect(await send(own, event(tenant))).toEqual(["usage_closed"]);
  });

  test("does not take one for known that was not there before", async () => {
    const own = await freshProcess();
    const unknown = `${(await newTenant(shop)).slice(0, 20)}zzzzzz`;
    expect(await send(own, event(unknown))).toEqual(["tenant_not_found"]);
    expect(await send(own, event(unknown))).toEqual(["tenant_not_found"]);
  });
});

describe("a process that expects no repeats", () => {
  test.each([
    ["stored by another process", async () => undefined],
    ["of a generation that is no longer written", turnGeneration],
  ])("finds those %s, with the same content and with other content", async (_, meanwhile) => {
    const tenant = await newTenant(shop);
    const first = event(tenant);
    const changed = event(tenant);
    expect(await send(shop, first, changed)).toEqual(["accepted", "accepted"]);
    await meanwhile();
    const other = { ...changed, quantity: 2 };
    const mixed = [event(tenant), first, other];
    expect(await send(await freshProcess(), ...mixed)).toEqual(["accepted", "duplicate", "usage_conflict"]);
    expect(await send(await freshProcess(), first)).toEqual(["duplicate"]);
    expect(await send(await freshProcess(), other)).toEqual(["usage_conflict"]);
  });

  test("rules a repeat out before it refuses: what was acknowledged stays so when it is too old, or its tenant has ended", async () => {
    const tenant = await newTenant(shop);
    const old = event(tenant, { time: new Date(shop.clock.now().getTime() - 7 * DAY + MINUTE).toISOString() });
    expect(await send(shop, old)).toEqual(["accepted"]);
    shop.clock.advance(HOUR);
    expect(await send(await freshProcess(), old)).toEqual(["duplicate"]);
    await shop.deprovision(about({ id: tenant }));
    expect(await send(await freshProcess(), event(tenant), old)).toEqual(["usage_closed", "duplicate"]);
  });
});

describe("text of an event", () => {
  test.each([
    ["short", "r-7"],
    ["short, beyond ASCII", "Zürich-7-\u{1f680}-東京"],
    ["long", `r${"-7".repeat(90)}`],
    ["long, beyond ASCII", "ü\u{1f680}東".repeat(45)],
  ])("that is %s is stored as it came, and so is what follows it", async (_, text) => {
    const tenant = await newTenant(shop);
    const id = `${text}${randomUUID().slice(0, 8)}`;
    expect(await send(shop, event(tenant, { id, quantity: 7, tags: { [text]: text } }), event(tenant))).toEqual([
      "accepted",
      "accepted",
    ]);
    const rows = await shop.look(
      "select id, dimension, quantity::integer, tags from usage_events where tenant_id = $1 order by quantity desc limit 1",
      [tenant],
    );
    expect(rows).toEqual([{ id, dimension: "requests", quantity: 7, tags: { [text]: text } }]);
  });
});

async function turnGeneration(): Promise<void> {
  await shop.look("update usage_gate set turned_at = $1", [new Date(shop.clock.now().getTime() - 8 * DAY - HOUR)]);
  await shop.look("select sweep_usage($1)", [shop.clock.now()]);
}
