import fc from "fast-check";
import { retryDelay } from "../src/deliveries/deliveries.ts";
import { isolate, isTenantId, type Store } from "../src/isolation/isolation.ts";
import type { OperationState } from "../src/operations/operations.ts";
import {
  mintTenantId,
  after as stateAfter,
  type TenantChange,
  type TenantState,
  tenantStates,
} from "../src/tenants/tenants.ts";
import { type Life, newLife, stories } from "./support/lifecycle.ts";
import { closeProviders, type TestProvider, testProvider } from "./support/provider.ts";

const seed = Number(process.env["LAW_SEED"] ?? Date.now() % 0x7fffffff);
const runs = Number(process.env["LAW_RUNS"] ?? 15);

afterAll(closeProviders);

describe("the life of a tenant", () => {
  const lawful: readonly (readonly [TenantState, TenantChange, TenantState])[] = [
    ["provisioning", "provisionDone", "active"],
    ["provisioning", "provisionRefused", "failed"],
    ["provisioning", "deprovisionAsked", "deprovisioning"],
    ["active", "planChanged", "active"],
    ["active", "rotated", "active"],
    ["active", "suspendDone", "suspended"],
    ["active", "deprovisionAsked", "deprovisioning"],
    ["suspended", "planChanged", "suspended"],
    ["suspended", "rotated", "suspended"],
    ["suspended", "resumeDone", "active"],
    ["suspended", "deprovisionAsked", "deprovisioning"],
    ["failed", "deprovisionAsked", "deprovisioning"],
    ["deprovisioning", "deprovisionDone", "gone"],
  ];

  test.each(lawful)("leads from %s by %s to %s", (from, change, to) => {
    expect(stateAfter(from, change)).toBe(to);
  });

  test("knows no other way", () => {
    const changes = [...new Set(lawful.map(([, change]) => change))];
    const possible = tenantStates.flatMap((from) =>
      changes.filter((change) => stateAfter(from, change) !== undefined).map((change) => `${from} ${change}`),
    );
    expect(possible.sort()).toEqual(lawful.map(([from, change]) => `${from} ${change}`).sort());
  });
});

describe("a tenant id", () => {
  test("is 26 characters of its grammar, all of which occur, and no two of 10,000 are equal", () => {
    const ids = Array.from({ length: 10_000 }, mintTenantId);
    expect(ids.every((id) => isTenantId(id) && /^[a-z][a-z2-7]{25}$/.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(10_000);
    const letters = [0, 25].map((place) => new Set(ids.map((id) => id.charAt(place))).size);
    expect(letters).toEqual([26, 32]);
  });

  test("is the only way into a tenant's scope: anything else is no tenant, and no SQL", async () => {
    let reached = 0;
    const nowhere = { transaction: async () => (reached += 1) } as unknown as Parameters<typeof isolate>[0];
    const store: Store = isolate(nowhere, { role: "stallholder_app" });
    const refused = (text: string) =>
      store
        .asTenant(text, async () => "in")
        .then(
          () => false,
          (fault) => fault.code === "tenant_not_found",
        );
    const id = mintTenantId();
    const hostile = [
      `${id}'; drop table tenants; --`,
      `${id} `,
      ` ${id}`,
      `${id}\n`,
      id.toUpperCase(),
      id.slice(1),
      "",
      "'",
      `${id}\0`,
    ];
    for (const text of hostile) expect(await refused(text)).toBe(true);
    await fc.assert(fc.asyncProperty(fc.string({ unit: "binary", maxLength: 40 }), refused), { numRuns: 100 });
    expect(reached).toBe(0);
  });
});

describe("the delay before the next try", () => {
  test("lets three tries fall within 15 seconds, the first pause is at most 5 s, and grows to two hours", () => {
    expect(retryDelay(1, () => 1)).toBeLessThanOrEqual(5);
    expect(retryDelay(1, () => 1) + retryDelay(2, () => 1)).toBeLessThanOrEqual(15);
    expect(retryDelay(40, () => 1)).toBe(7_200);
  });

  test("lies between half of the doubled second and all of it, whatever the chance", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, chance) => {
        const full = Math.min(7_200, 2 ** attempt);
        const delay = retryDelay(attempt, () => chance);
        return delay >= full / 2 && delay <= full;
      }),
    );
  });
});

describe("whatever happens to a tenant", () => {
  let shop: TestProvider;
  let dying: TestProvider;

  beforeAll(async () => {
    const budgets = { product: 40, parting: 40, turn: 40 };
    shop = await testProvider({ budgets });
    dying = await mortal(await testProvider({ beside: shop, budgets }));
  });

  /** A process that is killed whenever it would write down the end of an attempt. */
  async function mortal(process: TestProvider): Promise<TestProvider> {
    const { store } = process.deps;
    const throughDoor = store.throughDoor.bind(store);
    Object.assign(store, {
      throughDoor: (statement: Parameters<typeof throughDoor>[0]) =>
        statement.text.includes("finish_operation") ? Promise.reject(new Error("killed")) : throughDoor(statement),
    });
    return process;
  }

  test(`its state is lawful, its story whole, its customer's key works, and all comes to rest (seed ${seed})`, async () => {
    const property = fc.asyncProperty(stories, async (story) => {
      const life = newLife(shop, dying);
      shop.product.reset();
      for (const step of story) {
        await life.perform(step);
        await obeysTheLaw(shop, life);
      }
      await life.perform({ do: "marketplace says", answer: "delivered" });
      shop.product.reset();
      await shop.rest();
      const state = await obeysTheLaw(shop, life);
      expect([undefined, "active", "suspended", "failed", "gone"]).toContain(state);
    });
    await fc.assert(property, { seed, numRuns: runs });
  }, 120_000);
});

interface Books {
  readonly state: TenantState;
  readonly last_event: number;
  readonly last_call: number;
  readonly sealed: number;
  readonly events: readonly { sequence: number; type: string }[] | null;
  readonly calls: readonly { sequence: number; state: string; kind: string }[] | null;
  readonly operations: readonly { kind: string; state: OperationState; told_later: boolean }[] | null;
  readonly credentials: readonly { state: string; var: string }[] | null;
}

/** What each lifecycle event says about the state; those not named leave it. */
const changes: Readonly<Record<string, TenantChange>> = {
  "provision.done": "provisionDone",
  "provision.refused": "provisionRefused",
  "plan.changed": "planChanged",
  "credential.rotated": "rotated",
  suspended: "suspendDone",
  resumed: "resumeDone",
  "deprovision.requested": "deprovisionAsked",
  deprovisioned: "deprovisionDone",
};

/** Checks every law at this instant; answers the tenant's state, undefined while there is no tenant. */
async function obeysTheLaw(shop: TestProvider, life: Life): Promise<TenantState | undefined> {
  const [books] = await shop.look<Books>(
    `select t.state, t.last_event::int, t.last_call::int,
       (t.kept_sealed is not null)::int + (t.product_config_sealed is not null)::int
         + (select count(*)::int from credentials c where c.tenant_id = t.id and c.sealed is not null) as sealed,
       (select json_agg(e order by e.sequence) from lifecycle_events e where e.tenant_id = t.id) as events,
       (select json_agg(c order by c.sequence) from owed_calls c where c.tenant_id = t.id) as calls,
       (select json_agg(o order by o.created_at) from operations o where o.tenant_id = t.id) as operations,
       (select json_agg(c) from credentials c where c.tenant_id = t.id) as credentials
     from tenants t where t.resource_id = $1`,
    [life.order.resourceId],
  );
  if (books === undefined) return undefined;
  storyIsWhole(books);
  stateFits(books);
  await keyWorks(shop, life, books.state);
  return books.state;
}

function storyIsWhole({ state, events, calls, last_event, last_call }: Books): void {
  const numbers = (rows: readonly { sequence: number }[] | null) => (rows ?? []).map((row) => row.sequence);
  const counted = (last: number) => Array.from({ length: last }, (_, index) => index + 1);
  expect(numbers(events)).toEqual(counted(last_event));
  expect(numbers(calls)).toEqual(counted(last_call));
  const told = (events ?? []).reduce<TenantState | undefined>((from, { type }) => {
    const change = changes[type];
    return change === undefined || from === undefined ? from : stateAfter(from, change);
  }, "provisioning");
  expect(told).toBe(state);
}

function stateFits({ state, operations, calls, credentials, sealed }: Books): void {
  const running = (operations ?? []).filter((one) => one.state === "running").map((one) => one.kind);
  const active = (credentials ?? []).filter((one) => one.state === "active").map((one) => one.var);
  const ended = state === "gone" || state === "failed";
  expect(running.length).toBeLessThanOrEqual(1);
  expect(running[0] === "provision").toBe(state === "provisioning");
  expect(running[0] === "deprovision").toBe(state === "deprovisioning");
  if (ended) expect({ running, sealed }).toEqual({ running: [], sealed: 0 });
  expect(active).toEqual(ended || state === "deprovisioning" ? [] : ["ACME_SEARCH_API_KEY"]);
  const told = (operations ?? []).some((one) => one.kind === "provision" && one.told_later && one.state === "done");
  const kinds = (calls ?? []).map((call) => call.kind);
  if (told) expect(kinds.slice(0, 2)).toEqual(["push-config", "finish-provision"]);
}

/** Both the key we would hand out and the one the customer's app has. */
async function keyWorks(shop: TestProvider, life: Life, state: TenantState): Promise<void> {
  if (state !== "active" && state !== "suspended") return;
  const wanted = state === "active" ? { valid: true } : { valid: false, code: "suspended" };
  const tenant = await shop.findTenant({ marketplace: life.order.marketplace, resourceId: life.order.resourceId });
  const newest = (await shop.configVars(String(tenant?.id)))["ACME_SEARCH_API_KEY"];
  expect(await shop.verifyKey(String(newest))).toMatchObject(wanted);
  if (life.customersKey !== undefined) expect(await shop.verifyKey(life.customersKey)).toMatchObject(wanted);
}
