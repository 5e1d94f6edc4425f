import {
  CopyDiffers,
  copyAgain,
  copyPlace,
  differencesBetween,
  emptyShared,
  fillShared,
  type Place,
  refuseWhatCannotBeCarried,
  refuseWhatHasNoSharedTable,
} from "../../copy/copy.ts";
import { CannotBeMoved } from "./faults.ts";
import { handOver } from "./hand-over.ts";
import { makeArrival, moveOn, removeArrival, removeKept } from "./other-places.ts";
import type { MoveState } from "./rows.ts";
import { takeKept } from "./rows.ts";
import { switchOver } from "./switch.ts";
import type { MoveWork } from "./work.ts";
import { endMove, forgetLogin } from "./work.ts";

/** What is done in a state; undefined when the move rests, or is no longer ours. */
export type Step = (work: MoveWork) => Promise<MoveState | undefined>;

export const steps: Readonly<Record<MoveState, Step | undefined>> = {
  planned: prepare,
  copying: copy,
  fenced: verify,
  verified: switchOver,
  switched: finish,
  kept: async () => "removing",
  removing: removeOld,
  undoing: undo,
  done: undefined,
  cancelled: undefined,
  failed: undefined,
};

interface Places {
  readonly source: Place;
  /** Where the copy is made; the source itself where its rows go into shared tables of the same database. */
  readonly arrival: Place;
  readonly shared: Place | undefined;
}

async function placesOf(work: MoveWork): Promise<Places> {
  const { from, to } = work.move;
  const place = await work.places();
  const source = place(from);
  if (to !== "pool") return { source, arrival: place(to, true), shared: undefined };
  return { source, arrival: from === "bridge" ? source : place("bridge", true), shared: place("pool") };
}

/** Everything that would be in the way is found before anything is copied. */
async function prepare(work: MoveWork): Promise<MoveState> {
  const { move, parts, options } = work;
  const free = await parts.store.asTenant(move.tenant, (tx) => takeKept(tx, move.to, parts.clock.now()));
  if (!free) throw new Error("What was kept from an earlier move is being removed.");
  if (move.to !== "pool") await work.site((site) => removeKept(site, move.to === "silo" ? "silo" : "bridge"));
  const { source, shared } = await placesOf(work);
  await work.site((site) => handOver(site, move.from));
  await refuseWhatCannotBeCarried(source, options);
  if (shared !== undefined) await refuseWhatHasNoSharedTable(source, shared, options);
  return "copying";
}

async function copy(work: MoveWork): Promise<MoveState> {
  const { source, arrival } = await placesOf(work);
  if (arrival !== source) await copyAfresh(work, source, arrival);
  return "fenced";
}

async function copyAfresh(work: MoveWork, source: Place, arrival: Place): Promise<void> {
  const login = await work.login();
  await work.site((site) => makeArrival(site, arrivalModel(work), login.role));
  await copyPlace(source, arrival, work.options);
}

const arrivalModel = ({ move }: MoveWork) => (move.to === "silo" ? "silo" : "bridge");

/** Nobody gets in any more, so that what is compared now stays as it is. */
async function verify(work: MoveWork): Promise<MoveState> {
  await work.parts.settle(work.move.tenant);
  await work.site(refusePrepared);
  await work.site((site) => handOver(site, work.move.from));
  const { source, arrival, shared } = await placesOf(work);
  if (arrival !== source) await agree(work, source, arrival);
  if (shared !== undefined) {
    const { different, reached } = await fillShared(arrival, shared, work.options);
    if (different.length > 0) throw new CopyDiffers(different);
    for (const position of reached) await work.site((site) => moveOn(site, position));
  }
  return "verified";
}

/** What was written or defined while the first copy was made is copied now. */
async function agree(work: MoveWork, source: Place, arrival: Place): Promise<void> {
  const { options } = work;
  const differing = await differencesBetween(source, arrival, options).catch(async (fault: unknown) => {
    if (!(fault instanceof CopyDiffers)) throw fault;
    await copyAfresh(work, source, arrival);
    return differencesBetween(source, arrival, options);
  });
  if (differing.length === 0) return;
  await copyAgain(source, arrival, differing, options);
  const left = await differencesBetween(source, arrival, options);
  if (left.length > 0) throw new CopyDiffers(left);
}

/** Such a transaction has no session and could still commit. */
async function refusePrepared({ session, names }: Parameters<typeof makeArrival>[0]): Promise<void> {
  const rows = await session.run<{ gid: string }>(
    "select gid from pg_prepared_xacts where owner = $1 or starts_with(owner::text, $1 || '_')",
    [names.owner],
  );
  if (rows.length > 0) {
    throw new CannotBeMoved(`These prepared transactions are in the way: ${rows.map(({ gid }) => gid).join(", ")}.`);
  }
}

/** Logins work in the new place, and in the old one no more. */
async function finish(work: MoveWork): Promise<undefined> {
  const { move, parts } = work;
  await parts.settle(move.tenant);
  if (move.to === "pool") await work.site((site) => removeArrival(site, "bridge"));
  await endMove(work, "kept");
  return undefined;
}

async function removeOld(work: MoveWork): Promise<undefined> {
  const { from } = work.move;
  if (from === "pool") await emptyShared((await work.places())("pool"), work.options);
  else await work.site((site) => removeKept(site, from));
  await forgetLogin(work);
  await endMove(work, "done");
  return undefined;
}

/** The tenant is where it was; what was made for it elsewhere goes. */
async function undo(work: MoveWork): Promise<undefined> {
  const { move, parts } = work;
  await parts.settle(move.tenant);
  if (await work.isThere()) {
    await work.site((site) => removeArrival(site, arrivalModel(work)));
    if (move.to === "pool" && move.fencedAt !== null) await emptyShared((await work.places())("pool"), work.options);
  }
  await forgetLogin(work);
  await endMove(work, move.outcome ?? "cancelled");
  return undefined;
}
