import { type Addon, addonsOf, type Customer, environmentOf, productApi } from "./customer.ts";
import { clockOf, type World } from "./world.ts";

/** A promise that was broken. */
export interface Violation {
  readonly rule: string;
  readonly said: string;
}

interface TenantRow {
  readonly id: string;
  readonly resource_id: string;
  readonly plan: string;
  readonly state: string;
  readonly last_event: number;
  readonly last_call: number;
}

interface OperationRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly kind: string;
  readonly state: string;
}

interface CallRow {
  readonly tenant_id: string;
  readonly sequence: number;
  readonly kind: string;
  readonly state: string;
  readonly last_fault: string | null;
  readonly delivered: number;
}

interface EventRow {
  readonly tenant_id: string;
  readonly sequence: number;
  readonly type: string;
}

/** What is there at the end, told by those who have it and not by the code that is judged. */
interface Evidence {
  readonly world: World;
  readonly customers: readonly Customer[];
  readonly now: Date;
  readonly addons: readonly Addon[];
  readonly tenants: readonly TenantRow[];
  readonly operations: readonly OperationRow[];
  readonly calls: readonly CallRow[];
  readonly events: readonly EventRow[];
  readonly leased: number;
  /** Whether anything went wrong that could explain a loss. */
  readonly isTroubled: boolean;
}

async function gather(world: World, customers: readonly Customer[], isTroubled: boolean): Promise<Evidence> {
  const { look } = world.looker;
  const now = await clockOf(world.simulator);
  const leased = await look(
    "select from operations where lease_until > $1 union all select from owed_calls where lease_until > $1",
    [now],
  );
  return {
    world,
    customers,
    now,
    addons: await addonsOf(world),
    tenants: await look("select id, resource_id, plan, state, last_event::int, last_call::int from tenants"),
    operations: await look("select id, tenant_id, kind, state from operations"),
    calls: await look(
      `select c.tenant_id, c.sequence::int, c.kind, c.state, c.last_fault,
              (select count(*)::int from deliveries d where d.tenant_id = c.tenant_id and d.sequence = c.sequence
               and d.outcome = 'delivered') as delivered
       from owed_calls c`,
    ),
    events: await look("select tenant_id, sequence::int, type from lifecycle_events order by tenant_id, sequence"),
    leased: leased.length,
    isTroubled,
  };
}

interface Reachable {
  readonly app: string;
  readonly tenant: TenantRow;
}

/**
 * Customers with an add-on, but for those whose grant is lost: nothing can be pushed to them, and where a push was given
 * up for that, a rotation ends at its stated time (docs/decisions/0003).
 */
function reachable(evidence: Evidence): readonly Reachable[] {
  const { customers, addons, tenants, calls } = evidence;
  return customers.flatMap(({ app, addon: id }) => {
    const tenant = tenants.find(({ resource_id }) => resource_id === id);
    if (tenant === undefined || !addons.some((addon) => addon.id === id)) return [];
    const gaveUp = calls.some(
      ({ tenant_id, kind, state }) => tenant_id === tenant.id && kind === "push-config" && state === "given_up",
    );
    return gaveUp && hasLostGrant(evidence, tenant.id) ? [] : [{ app, tenant }];
  });
}

const hasLostGrant = ({ events }: Evidence, tenant: string): boolean =>
  events.some(({ tenant_id, type }) => tenant_id === tenant && type === "grant.lost");

type Rule = (evidence: Evidence) => readonly string[] | Promise<readonly string[]>;

const isLiving = ({ state }: TenantRow): boolean => state !== "gone" && state !== "failed";

/** Every rule looks at everything; each sentence is one broken promise. */
const rules: Readonly<Record<string, Rule>> = {
  "every add-on has its one tenant": ({ addons, tenants }) =>
    addons.flatMap((addon) => {
      const own = tenants.filter((tenant) => tenant.resource_id === addon.id);
      const [tenant] = own;
      if (tenant === undefined || own.length > 1) return [`${addon.id} has ${own.length} tenants.`];
      const right = addon.state === "provisioned" && tenant.state === "active" && tenant.id === addon.provider_id;
      return right
        ? []
        : [`${addon.id} is ${addon.state} as ${addon.provider_id}; its tenant ${tenant.id} is ${tenant.state}.`];
    }),

  "marketplace, tenant and product agree on the plan": ({ addons, tenants, world }) =>
    addons.flatMap((addon) => {
      const tenant = tenants.find(({ resource_id }) => resource_id === addon.id);
      const plans = [addon.plan.name.split(":")[1], tenant?.plan, world.product.tenants.get(tenant?.id ?? "")?.plan];
      return new Set(plans).size === 1 ? [] : [`${addon.id} has the plans ${plans.join(", ")}.`];
    }),

  "the customer holds the config vars of now": async (evidence) => {
    const { world } = evidence;
    const faults: string[] = [];
    for (const { app, tenant } of reachable(evidence)) {
      const { key, index } = await environmentOf(world, app);
      const { body } = await productApi(world, "/v1/keys/verify", { key });
      const verdict = body as { valid: boolean; tenant?: string; code?: string };
      if (!verdict.valid || verdict.tenant !== tenant.id)
        faults.push(`The key of ${app} is ${verdict.code ?? "another's"}.`);
      const said = world.product.tenants.get(tenant.id)?.index;
      if (index !== said) faults.push(`${app} has the index ${index}; the product said ${said}.`);
    }
    return faults;
  },

  "the customer's key is the active one": async (evidence) => {
    const { look } = evidence.world.looker;
    const faults: string[] = [];
    for (const { app } of reachable(evidence)) {
      const { key } = await environmentOf(evidence.world, app);
      const keyId = key.split("_")[2] ?? "";
      const [row] = await look<{ state: string }>("select state from credentials where key_id = $1", [keyId]);
      if (row?.state !== "active") faults.push(`The key of ${app} is ${row?.state ?? "unknown"}.`);
    }
    return faults;
  },

  "no tenant lives without an add-on": ({ addons, tenants }) =>
    tenants
      .filter((tenant) => isLiving(tenant) && !addons.some(({ id }) => id === tenant.resource_id))
      .map(({ id, state }) => `Tenant ${id} is ${state}, and the marketplace does not have it.`),

  "every tenant was asked for": ({ tenants, world }) =>
    tenants
      .filter(({ resource_id }) => !world.front.ids.has(resource_id))
      .map(({ id }) => `Nobody asked for tenant ${id}.`),

  "one purchase is one tenant": ({ tenants, world }) => {
    const twice = tenants.filter(({ id, resource_id }) =>
      tenants.some((other) => other.id !== id && other.resource_id === resource_id),
    );
    const answeredOtherwise = tenants.filter(
      ({ id, resource_id }) => ![...(world.front.ids.get(resource_id) ?? [])].every((answered) => answered === id),
    );
    return [...twice, ...answeredOtherwise].map(({ id }) => `Tenant ${id} is not the only one of its purchase.`);
  },

  "the product has the living tenants and no others": ({ tenants, world }) => {
    const living = tenants.filter(isLiving).map(({ id }) => id);
    const there = [...world.product.tenants.keys()];
    return [
      ...living.filter((id) => !there.includes(id)).map((id) => `The product lacks tenant ${id}.`),
      ...there.filter((id) => !living.includes(id)).map((id) => `The product still has tenant ${id}.`),
    ];
  },

  "nothing runs and nothing is leased": ({ operations, leased }) => [
    ...operations.filter(({ state }) => state === "running").map(({ id, kind }) => `Operation ${id} (${kind}) runs.`),
    ...(leased > 0 ? [`${leased} leases are held.`] : []),
  ],

  "what is done was done by the product": ({ operations, world }) =>
    operations
      .filter(({ id, kind, state }) => state === "done" && !world.product.entries.get(`${id} ${verbOf(kind)}`)?.applied)
      .map(({ id, kind }) => `Operation ${id} (${kind}) is done, and the product knows nothing of it.`),

  "what the product was asked is remembered": ({ operations, world }) =>
    [...world.product.entries.values()]
      .filter(({ call }) => !operations.some(({ id }) => id === call.operationId))
      .map(({ call }) => `The product was asked for operation ${call.operationId}, which nobody knows.`),

  "lifecycle events and owed calls are numbered without a gap": ({ tenants, events, calls }) =>
    tenants.flatMap(({ id, last_event, last_call }) => {
      const gaps = (rows: readonly { tenant_id: string; sequence: number }[], last: number): boolean => {
        const numbers = rows.filter(({ tenant_id }) => tenant_id === id).map(({ sequence }) => sequence);
        return numbers.length !== last || !numbers.sort((a, b) => a - b).every((number, place) => number === place + 1);
      };
      return [
        ...(gaps(events, last_event) ? [`The lifecycle events of ${id} have a gap.`] : []),
        ...(gaps(calls, last_call) ? [`The owed calls of ${id} have a gap.`] : []),
      ];
    }),

  "each operation has its events, once": ({ tenants, operations, events }) =>
    tenants.flatMap(({ id }) => {
      const own = operations.filter(({ tenant_id }) => tenant_id === id);
      const types = events.filter(({ tenant_id }) => tenant_id === id).map(({ type }) => type);
      return expectedEvents(own)
        .filter(([type, count]) => types.filter((one) => one === type).length !== count)
        .map(([type, count]) => `Tenant ${id} should have ${count} events ${type}: ${types.join(", ")}.`);
    }),

  "no grant is lost without a reason": ({ events, isTroubled }) =>
    isTroubled
      ? []
      : events.filter(({ type }) => type === "grant.lost").map(({ tenant_id }) => `${tenant_id} lost its grant.`),

  "owed calls are delivered, or the scenario explains why not": (evidence) =>
    evidence.calls.flatMap((call) => {
      const why = faultOfCall(evidence, call);
      return why === undefined ? [] : [`${call.kind} of ${call.tenant_id} ${why} (${call.last_fault ?? "no fault"}).`];
    }),
};

const verbOf = (kind: string): string => (kind === "change_plan" ? "changePlan" : kind);

const eventsOf: Readonly<Record<string, readonly [begun: string, done: string]>> = {
  provision: ["provision.requested", "provision.done"],
  change_plan: ["plan.change_requested", "plan.changed"],
  rotate: ["credential.issued", "credential.rotated"],
  deprovision: ["deprovision.requested", "deprovisioned"],
};

function expectedEvents(operations: readonly OperationRow[]): readonly (readonly [string, number])[] {
  const count = (kind: string, state?: string): number =>
    operations.filter((operation) => operation.kind === kind && (state === undefined || operation.state === state))
      .length;
  const pairs = Object.entries(eventsOf).flatMap(([kind, [begun, done]]) => [
    [begun, count(kind)] as const,
    [done, count(kind, "done")] as const,
  ]);
  return [
    ...pairs,
    ["provision.refused", count("provision", "refused") + count("provision", "failed")],
    ["plan.change_refused", count("change_plan", "refused")],
  ];
}

/**
 * A tenant that has ended owes nothing. A grant code works once, for five minutes: a crash between its exchange and the
 * commit loses the grant, and whatever needs it is given up with it.
 */
function faultOfCall(evidence: Evidence, call: CallRow): string | undefined {
  const { tenants } = evidence;
  const hasEnded = tenants.some((tenant) => tenant.id === call.tenant_id && !isLiving(tenant));
  if (call.state === "delivered") return call.delivered === 1 ? undefined : `has ${call.delivered} deliveries`;
  if (call.state === "owed") return "is still owed";
  return hasEnded || hasLostGrant(evidence, call.tenant_id) ? undefined : `is ${call.state}`;
}

/** Holds everything against every rule. */
export async function judge(
  world: World,
  customers: readonly Customer[],
  isTroubled: boolean,
): Promise<readonly Violation[]> {
  const evidence = await gather(world, customers, isTroubled);
  const violations: Violation[] = [];
  for (const [rule, look] of Object.entries(rules)) {
    for (const said of await look(evidence)) violations.push({ rule, said });
  }
  return violations;
}
