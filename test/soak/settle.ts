import { setTimeout as sleep } from "node:timers/promises";
import { post, ring, turnClock } from "./clock.ts";
import { type Addon, addonsOf, askAgain, type Customer, changePlan } from "./customer.ts";
import { clockOf, type World } from "./world.ts";

/** What is still to come, as the tables and the marketplace have it. */
export interface Unfinished {
  readonly running: number;
  readonly owed: number;
  /** When the first of it can be taken up; null when there is none. */
  readonly next: Date | null;
  /** Purchases the marketplace still waits for. */
  readonly awaited: number;
  /** Living tenants whose purchase the marketplace does not have. */
  readonly orphans: number;
  /** Requests that are on their way to the provider. */
  readonly coming: number;
}

/** An operation waits for its time, its lease, and leases on its tenant; an owed call for its time and its lease, first of its lane. */
const UNFINISHED = `
  with op as (
    select greatest(o.due_at, o.lease_until, (select max(b.lease_until) from operations b
                                              where b.tenant_id = o.tenant_id and b.lease is not null)) as next
    from operations o where o.state = 'running'
  ), call as (
    select greatest(c.due_at, c.lease_until) as next from owed_calls c
    where c.state = 'owed' and not exists (select from owed_calls e where e.tenant_id = c.tenant_id and e.lane = c.lane
                                           and e.state = 'owed' and e.sequence < c.sequence)
  )
  select (select count(*)::int from op) as running, (select count(*)::int from owed_calls where state = 'owed') as owed,
         least((select min(next) from op), (select min(next) from call)) as next`;

/** A purchase that came to nothing is removed by DELETE, tried after these times; retries may stretch each. */
const REMOVAL_STEPS = [6_000, 31_000, 121_000, 601_000, 3_601_000, 21_601_000];
const MOST_ROUNDS = 80;
/** Generous: a busy machine is no broken promise. What never ends is one, however long it is waited for. */
const SETTLED_WITHIN_MS = 240_000;
const WAIT_MS = 1_300;

export async function unfinished(world: World): Promise<Unfinished> {
  const [row] = await world.looker.look<Pick<Unfinished, "running" | "owed" | "next">>(UNFINISHED);
  const living = await world.looker.look<{ resource_id: string }>(
    "select resource_id from tenants where state not in ('gone', 'failed')",
  );
  const addons = await addonsOf(world);
  return {
    running: row?.running ?? 0,
    owed: row?.owed ?? 0,
    next: row?.next ?? null,
    awaited: addons.filter(({ state }) => state === "provisioning").length,
    orphans: living.filter((tenant) => !addons.some(({ id }) => id === tenant.resource_id)).length,
    coming: world.front.younger(Number.POSITIVE_INFINITY),
  };
}

const isFinished = (now: Unfinished): boolean =>
  now.running === 0 && now.owed === 0 && now.awaited === 0 && now.orphans === 0 && now.coming === 0;

/** From now on nothing goes wrong any more. */
export async function calmDown(world: World): Promise<void> {
  world.proxy.disarm();
  world.product.calm();
  world.ear.isPatient = () => true;
  const faults = (await (await fetch(`${world.simulator.origin}/_faults`)).json()) as object;
  await post(world, "/_faults", Object.fromEntries(Object.keys(faults).map((name) => [name, null])));
}

/**
 * Lets time pass until nothing runs, nothing is owed, and marketplace and provider know the same purchases. Answers what
 * is left when that does not come about.
 */
export async function settle(world: World, customers: readonly Customer[]): Promise<Unfinished | undefined> {
  const until = performance.now() + SETTLED_WITHIN_MS;
  let removals = 0;
  let now = await unfinished(world);
  for (let round = 0; round < MOST_ROUNDS && performance.now() < until; round += 1) {
    for (const customer of customers) await askAgain(world, customer);
    await noticeRefusals(world, customers);
    now = await unfinished(world);
    if (isFinished(now) && customers.every(({ doubt }) => doubt === undefined)) return undefined;
    const turn = now.next === null ? removalTime(now, removals++) : await timeUntil(world, now.next);
    if (turn > 0) await turnClock(world, turn);
    await ring(world);
    await changed(world, now);
  }
  return now;
}

/** What nobody here owes is the marketplace's to bring about. */
function removalTime({ awaited, orphans }: Unfinished, step: number): number {
  return awaited + orphans > 0 ? (REMOVAL_STEPS[step % REMOVAL_STEPS.length] ?? 0) : 0;
}

async function timeUntil({ simulator }: World, next: Date): Promise<number> {
  const ms = next.getTime() - (await clockOf(simulator)).getTime();
  return ms > 0 ? ms + 1_000 : 0;
}

/** Waits until something has moved, but not longer than a worker takes to look by itself. */
async function changed(world: World, before: Unfinished): Promise<void> {
  const until = performance.now() + WAIT_MS;
  while (performance.now() < until) {
    await sleep(40);
    const now = await unfinished(world);
    if (JSON.stringify(now) !== JSON.stringify(before)) return;
  }
}

/**
 * A plan change that was answered "later" counts as done over there, and if the product refuses it in the end, the
 * protocol has no word for that. The customer notices, and asks again.
 */
async function noticeRefusals(world: World, customers: readonly Customer[]): Promise<void> {
  const addons = new Map((await addonsOf(world)).map((addon): [string, Addon] => [addon.id, addon]));
  for (const customer of customers) {
    const addon = addons.get(customer.addon ?? "");
    if (addon === undefined) continue;
    const plan = addon.plan.name.split(":")[1] ?? "";
    const refused = await world.looker.look(
      `select from tenants t join operations o on o.tenant_id = t.id
       where t.resource_id = $1 and t.state = 'active' and t.plan <> $2 and o.kind = 'change_plan'
         and o.state = 'refused' and o.told_later and o.target->>'plan' = $2
         and not exists (select from operations r where r.tenant_id = t.id and r.state = 'running')`,
      [addon.id, plan],
    );
    if (refused.length > 0) await changePlan(world, customer, plan);
  }
}
