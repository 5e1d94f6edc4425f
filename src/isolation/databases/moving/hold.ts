import type { Progress } from "../../copy/copy.ts";
import { changeMove, findHeld, type HeldMove, type Move, type MoveState, renewMove } from "./rows.ts";
import type { MovingParts } from "./work.ts";

/** A move that is ours while its lease is renewed. */
export interface Hold {
  held(): HeldMove;
  /** For one step: aborted when the move passes to somebody else or is given up. */
  watched(): AbortSignal;
  /** The lease was renewed a short while ago. */
  isFresh(): boolean;
  /** Told to whoever asks how far it is. */
  onProgress(progress: Progress): void;
  /** Writes down the next state, unless that has been done, or somebody has written another. Rejects when it is not ours. */
  advance(state: MoveState): Promise<void>;
  /** Reads it again; false when it is not ours. */
  look(): Promise<boolean>;
  stop(): void;
}

const BEAT_MS = 2_000;
/** Less than the lease, by more than the longest statement of an administrator. */
const STALE_MS = 30_000;

export function holding({ store, clock }: MovingParts, first: HeldMove): Hold {
  const { tenant, id } = first.move;
  const { lease } = first;
  let held = first;
  let counts: Pick<Move, "tables" | "tablesDone" | "rows" | "rowsAbout" | "bytes"> | undefined;
  let step = new AbortController();
  let freshAt = performance.now();

  const beat = async (): Promise<void> => {
    const asked = performance.now();
    const state = await store.asTenant(tenant, (tx) => renewMove(tx, held, counts, clock.now()));
    if (state !== undefined) freshAt = asked;
    if (state === undefined || (state === "undoing" && held.move.state !== state)) {
      step.abort(new Error("The move was given up."));
    }
  };
  const timer = setInterval(() => void beat().catch(() => undefined), BEAT_MS);
  timer.unref();
  const look = async (): Promise<boolean> => {
    const move = await store.asTenant(tenant, (tx) => findHeld(tx, id, lease));
    if (move !== undefined) held = { move, lease };
    return move !== undefined;
  };
  return {
    held: () => held,
    watched: () => {
      step = new AbortController();
      return step.signal;
    },
    isFresh: () => performance.now() - freshAt < STALE_MS,
    onProgress: (progress) => {
      counts = progress;
    },
    advance: async (state) => {
      const move = await store.asTenant(tenant, (tx) =>
        changeMove(tx, held, { state, ...(counts && { counts }) }, clock.now()),
      );
      if (move !== undefined) held = { move, lease };
      else if (!(await look())) throw new Error("The move is no longer ours.");
    },
    look,
    stop: () => clearInterval(timer),
  };
}
