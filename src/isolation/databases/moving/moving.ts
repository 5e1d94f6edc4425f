import { ProviderError } from "../../../errors.ts";
import type { Model } from "../names.ts";
import { findDatabase } from "../rows.ts";
import { boundedBy, wordsOf } from "../settlement.ts";
import { reasonToEnd } from "./faults.ts";
import { type Hold, holding } from "./hold.ts";
import { activeMove, giveUpMove, type HeldMove, holdMove, openAgain, planMove, releaseMove } from "./rows.ts";
import { steps } from "./steps.ts";
import { type MovingParts, workOn } from "./work.ts";

/** Begins a move that an operator wants, whatever the plan says; answers its id. */
export function beginMove({ store, clock }: MovingParts, tenant: string, to: Model, by: string): Promise<string> {
  return store.asTenant(tenant, async (tx) => {
    await tx.query("select from tenants where id = $1 for no key update", [tenant]);
    const row = await findDatabase(tx);
    if (row === undefined || (row.state !== "ready" && row.state !== "suspended")) {
      throw new ProviderError("request_conflict", `The tenant's database is ${row?.state ?? "not there"}.`);
    }
    if (row.model === to) throw new ProviderError("request_conflict", `The tenant's data are in the ${to} already.`);
    if ((await activeMove(tx)) !== undefined) {
      throw new ProviderError("operation_running", "The tenant's data are being moved.", { retryAfter: 60 });
    }
    return planMove(tx, { tenant, from: row.model, to, planModel: row.wanted, by }, clock.now());
  });
}

/** Starts due moves, at most `limit`: a promise for the end of each, or for its rest. */
export async function startDueMoves(parts: MovingParts, limit: number): Promise<readonly Promise<void>[]> {
  const due = await parts.store.throughDoor<{ due_moves: { tenant: string; id: string } }>({
    text: "select due_moves($1, $2)",
    values: [parts.clock.now(), limit],
  });
  return due.map(({ due_moves: { tenant, id } }) => runMove(parts, tenant, id));
}

async function runMove(parts: MovingParts, tenant: string, id: string): Promise<void> {
  const first = await parts.store.asTenant(tenant, (tx) => holdMove(tx, id, parts.clock.now()));
  if (first === undefined) return;
  const hold = holding(parts, first);
  try {
    const work = workOn(parts, boundedBy(await parts.surroundings(), hold.isFresh), hold.held);
    while (await oneStep(parts, work, hold)) {
      // On to the next state.
    }
  } catch (fault) {
    await afterFault(parts, hold.held(), fault);
  } finally {
    hold.stop();
    await parts.store.asTenant(tenant, (tx) => releaseMove(tx, hold.held(), null, parts.clock.now()));
  }
}

/** Does what the state asks for, and answers whether there is more to do now. */
async function oneStep(parts: MovingParts, work: ReturnType<typeof workOn>, hold: Hold): Promise<boolean> {
  const { move } = hold.held();
  const options = { ...parts.copying, signal: hold.watched(), onProgress: hold.onProgress };
  try {
    const next = await steps[move.state]?.({ ...work, move, options });
    if (next === undefined) return (await hold.look()) && hold.held().move.state !== move.state && isGivenUp(hold);
    await hold.advance(next);
    return true;
  } catch (fault) {
    // Somebody gave it up, and what was under way was cut for that.
    if ((await hold.look()) && hold.held().move.state !== move.state) return true;
    throw fault;
  }
}

const isGivenUp = (hold: Hold): boolean => hold.held().move.state === "undoing";

const FENCED_TRIES = 5;

/** Tried again, unless it would come to the same; and nobody is locked out for long. */
async function afterFault({ store, clock }: MovingParts, held: HeldMove, fault: unknown): Promise<void> {
  const { move } = held;
  const isOpen = ["planned", "copying", "fenced", "verified"].includes(move.state);
  const reason = isOpen ? reasonToEnd(fault, move.attempts) : undefined;
  await store.asTenant(move.tenant, async (tx) => {
    const now = clock.now();
    if (reason !== undefined) return giveUpMove(tx, { outcome: "failed", reason }, now);
    await releaseMove(tx, held, wordsOf(fault), now);
    if (move.state === "fenced" && move.attempts + 1 >= FENCED_TRIES) await openAgain(tx, move.id);
  });
}
