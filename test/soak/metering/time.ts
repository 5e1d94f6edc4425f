import { setTimeout as sleep } from "node:timers/promises";
import type { World } from "./world.ts";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;

/** Processes look at the clock at least every 200 ms. */
const FOLLOWED_AFTER_MS = 220;
export const STEP_MS = 30 * MINUTE_MS;
/** In an outage nothing is waited for. */
const LONG_STEP_MS = 3 * HOUR_MS;
/** A call that is under way comes to its end, as it does in hours. */
const LONG_PAUSE_MS = 800;
/** So long before a deadline the clock stands still until whatever has to be in by then is in. */
const AHEAD_MS = 10 * MINUTE_MS;
/** Leases and pauses end while time creeps on. */
const CREEP_MS = 4_000;
const NEAREST_MS = MINUTE_MS;
/** Generous: a busy machine is no broken promise. */
const WAITS_MS = 90_000;
const HEARD_WITHIN_MS = 30_000;
/** What takes longer waits for the lease of a process that died: its time must pass. */
const AT_ONCE_MS = 2_000;

async function turn(world: World, to: Date): Promise<void> {
  await world.tell("/_clock", { now: to.toISOString() });
  await sleep(FOLLOWED_AFTER_MS);
}

/** Turns the clock to a moment, whatever is late then. */
export async function leap(world: World, to: Date): Promise<void> {
  await turn(world, to);
}

/**
 * Lets time pass as it does for a service that is up: nobody is hurried past what he has been told, and before each
 * deadline of a record there is time to send it. What then still expires has no excuse.
 */
export async function pass(world: World, ms: number, stepMs = STEP_MS): Promise<void> {
  const target = (await world.now()).getTime() + ms;
  while (true) {
    // Of an end that was heard while the clock turned, the deadline may be nearer than any stop before it.
    await urgentSent(world);
    const now = (await world.now()).getTime();
    if (now >= target) return;
    const next = Math.min(target, now + stepMs, await nextStop(world, new Date(now)));
    await turn(world, new Date(Math.max(next, now + 1_000)));
  }
}

/** Lets time pass while nothing can be done. */
export async function passBlindly(world: World, ms: number): Promise<void> {
  const target = (await world.now()).getTime() + ms;
  for (let now = (await world.now()).getTime(); now < target; now = (await world.now()).getTime()) {
    await turn(world, new Date(Math.min(target, now + LONG_STEP_MS)));
    await sleep(LONG_PAUSE_MS);
  }
}

/** The service has read what it was told, and drawn the consequences that can be drawn now. */
export async function allHeard(world: World): Promise<void> {
  const beganAt = performance.now();
  await until(HEARD_WITHIN_MS, async () => {
    const now = await world.now();
    const open = await world.looker.look(
      `select from aws_messages where state = 'stored' and due_at <= $1
       union all select from aws_licences where due_at <= $1 or lease_until > $1
       union all select from usage_closings where sealed_at is null and $1::timestamptz is not null`,
      [now],
    );
    if (open.length > 0 && performance.now() - beganAt > AT_ONCE_MS)
      await turn(world, new Date(now.getTime() + CREEP_MS));
    return open.length === 0;
  });
}

const DEADLINES = `
  select min(at) as at from (
    select r.expires_at as at from usage_records r where r.state in ('sealed', 'sent') and r.verdict is null and r.parked is null
    union all select p.flush_by from usage_payers p
    union all select date_trunc('month', $1::timestamptz, 'UTC') + interval '6 hours'
    union all select date_trunc('month', $1::timestamptz + interval '1 month', 'UTC') + interval '6 hours'
  ) deadlines where at > $1::timestamptz + interval '${AHEAD_MS} milliseconds'`;

/** A little before the next deadline of anything. */
async function nextStop(world: World, now: Date): Promise<number> {
  const [row] = await world.looker.look<{ at: Date | null }>(DEADLINES, [now]);
  return row?.at ? row.at.getTime() - AHEAD_MS : Number.POSITIVE_INFINITY;
}

/** What has to be in within the next minutes: frozen, or to be frozen for a payer whose time is nearly over. */
const URGENT = `
  select least(r.expires_at, d.at) as at from usage_records r
  left join lateral payer_of(r.tenant_id, r.hour) p on true
  cross join lateral (select least(usage_deadline(greatest(r.hour, p.starts_at), 24, 6), p.flush_by) as at) d
  where r.verdict is null and r.parked is null and (
    (r.frozen_at is not null and r.expires_at > $1 and r.expires_at <= $1::timestamptz + $2::interval)
    or (r.frozen_at is null and p.bills <> 'none' and d.at > $1 and d.at <= $1::timestamptz + $2::interval
        and (r.state = 'sealed' or r.hour <= date_trunc('hour', $1::timestamptz - interval '70 minutes', 'UTC'))))
  order by 1 limit 1`;

async function urgentSent(world: World): Promise<void> {
  await until(WAITS_MS, async () => {
    await allHeard(world);
    const now = await world.now();
    const [row] = await world.looker.look<{ at: Date }>(URGENT, [now, `${AHEAD_MS + MINUTE_MS} milliseconds`]);
    if (row === undefined) return true;
    if (row.at.getTime() - now.getTime() > NEAREST_MS + CREEP_MS) await turn(world, new Date(now.getTime() + CREEP_MS));
    return false;
  });
}

/** Everything that is due has been sent. Answers whether that came about. */
export async function drained(world: World, withinMs = WAITS_MS): Promise<boolean> {
  return await until(withinMs, async () => {
    await allHeard(world);
    const now = await world.now();
    const open = await world.looker.look(
      `select from usage_records r where r.verdict is null and r.parked is null
       and (r.due_at is not null or (r.frozen_at is null and r.state = 'sealed'
            and exists (select from payer_of(r.tenant_id, r.hour)))) limit 1`,
    );
    if (open.length > 0) await turn(world, new Date(now.getTime() + CREEP_MS));
    return open.length === 0;
  });
}

/** Answers whether it came about in time. */
export async function until(withinMs: number, isSo: () => Promise<boolean>): Promise<boolean> {
  const ends = performance.now() + withinMs;
  while (performance.now() < ends) {
    if (await isSo()) return true;
    await sleep(60);
  }
  return false;
}
