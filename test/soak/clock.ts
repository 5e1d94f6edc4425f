import { setTimeout as sleep } from "node:timers/promises";
import { clockOf, type World } from "./world.ts";

/** The provider looks at the clock at least every 200 ms. */
export const FOLLOWED_AFTER_MS = 220;
const STILL_WITHIN_MS = 12_000;
const LOOK_EVERY_MS = 15;
/** By then a request has taken its lease, or waits for whoever has it. */
const SETTLED_AFTER_MS = 600;

/**
 * Turns everybody's clock. A lease is as long as a call may take in real time, so the clock is turned only while nobody
 * works under one: otherwise an hour would pass within a call of a second, and two would hold the same lease in good
 * faith. Answers whether such a moment was found.
 */
export async function turnClock(world: World, ms: number): Promise<boolean> {
  const releases = [world.proxy.holdClaims(), world.front.hold()];
  try {
    if (!(await untilStill(world))) {
      world.ear.say("the clock is not turned: somebody is always at work");
      return false;
    }
    await post(world, "/_clock", { advance: `${Math.ceil(ms / 1_000)}s` });
    world.ear.say(`the clock is turned by ${Math.ceil(ms / 1_000)} s`);
    await sleep(FOLLOWED_AFTER_MS);
    return true;
  } finally {
    for (const release of releases) release();
  }
}

export async function post(world: World, path: string, body: object): Promise<void> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${world.simulator.origin}${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`The simulator answered ${answer.status} to ${path}: ${await answer.text()}`);
}

async function untilStill(world: World): Promise<boolean> {
  const until = performance.now() + STILL_WITHIN_MS;
  while (performance.now() < until) {
    if (await isStill(world)) return true;
    await sleep(LOOK_EVERY_MS);
  }
  return false;
}

async function isStill({ front, product, looker, deadLeases, simulator }: World): Promise<boolean> {
  if (front.younger(SETTLED_AFTER_MS) > 0 || product.inFlight > 0) return false;
  const held = await looker.look<{ lease: string }>("select lease from operations where lease_until > $1", [
    await clockOf(simulator),
  ]);
  return held.every(({ lease }) => deadLeases.has(lease)) && product.inFlight === 0;
}

/** Wakes whoever waits for owed work, as the database does when something is owed. */
export async function ring({ looker }: World): Promise<void> {
  await looker.look("select pg_notify('stallholder_due', '')");
}
