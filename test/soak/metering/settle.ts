import { purchasesOf } from "./customer.ts";
import type { Feed } from "./feed.ts";
import type { Violation } from "./stage.ts";
import { allHeard, HOUR_MS, pass } from "./time.ts";
import type { World } from "./world.ts";

/** From now on nothing goes wrong any more, and what was lost on the way comes again. */
export async function calm(world: World): Promise<void> {
  for (const member of world.members) {
    member.disarm();
    member.process.signal("SIGCONT");
  }
  const faults = await world.ask<object>("/_faults");
  await world.tell("/_faults", Object.fromEntries(Object.keys(faults).map((name) => [name, null])));
  await world.tell("/_aws/delivery", { queue: false, eventbridge: true, sns: true });
  await Promise.all(world.members.map(({ process }) => process.port()));
  world.ear.say("everything is well again");
  for (const purchase of await purchasesOf(world))
    if (purchase.suspended) await world.tell(`/_aws/purchases/${purchase.agreement}/restore`, {});
  await sendAgain(world);
  for (const purchase of await purchasesOf(world))
    if (purchase.status === "ACTIVE") await world.tell(`/_aws/purchases/${purchase.agreement}/register`, {});
  await allHeard(world);
}

/** What AWS could not deliver. */
async function sendAgain(world: World): Promise<void> {
  const messages = await world.ask<readonly { id: string; state: string }[]>("/_aws/messages");
  const lost = messages.filter(({ state }) => state !== "delivered" && state !== "queued");
  for (const { id } of lost) await world.tell(`/_aws/messages/${id}/resend`, {});
  if (lost.length > 0) world.ear.say(`${lost.length} lost messages are sent again`);
}

/** What can still change. */
const UNSETTLED = `
  select (select count(*)::int from usage_records where verdict is null) as records,
         (select count(*)::int from usage_closings where sealed_at is null) as closings,
         (select count(*)::int from operations where state = 'running') as operations,
         (select count(*)::int from usage_rolls where noted <> rolled) as unsummed,
         (select count(*)::int from usage_carries c cross join lateral payer_of(c.tenant_id, $1) p
          where c.balance >= 1 and p.bills <> 'none') as carries,
         (select count(*)::int from aws_messages where state = 'stored') as messages`;

const MOST_ROUNDS = 30;
/** Then nothing is left to be sent, but for what waits for its payer or its deadline. */
const ACTIVE_ROUNDS = 4;
const IDLE_MS = 4 * HOUR_MS;

/** Lets time pass until nothing can change any more; what does not come to an end is a broken promise. */
export async function settle(world: World, feed: Feed): Promise<readonly Violation[]> {
  const unanswered = await feed.finish();
  if (unanswered > 0) return [{ rule: "every batch gets an answer", said: `${unanswered} batches never did.` }];
  let left: Record<string, number> = {};
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    if (round < ACTIVE_ROUNDS) await pass(world, HOUR_MS);
    else await pass(world, IDLE_MS, IDLE_MS);
    const [row] = await world.looker.look<Record<string, number>>(UNSETTLED, [await world.now()]);
    left = row ?? {};
    if (round > 1 && Object.values(left).every((count) => count === 0)) return [];
  }
  const records = await world.looker.look(
    "select tenant_id, hour, dimension, state, quantity, units, attempts, definite, due_at, expires_at, parked from usage_records where verdict is null limit 5",
  );
  return [{ rule: "everything comes to an end", said: `${JSON.stringify(left)} ${JSON.stringify(records)}` }];
}
