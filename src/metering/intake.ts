import { ProviderError } from "../errors.ts";
import type { Verdict } from "./judge.ts";
import type { Arrival } from "./store-batch.ts";

/** Stores arrivals together; answers the verdicts of each. */
export type StoreArrivals = (arrivals: readonly Arrival[]) => Promise<readonly (readonly Verdict[])[]>;

export interface Intake {
  /** Resolves when the arrival is durable. `unavailable` at once while too much is waiting. */
  take(arrival: Arrival): Promise<readonly Verdict[]>;
}

interface Waiting {
  readonly arrival: Arrival;
  readonly resolve: (verdicts: readonly Verdict[]) => void;
  readonly reject: (fault: unknown) => void;
}

/** Transactions of usage that a process has under way at most, and connections that it keeps for them. */
export const WRITERS = 2;
/** From so many waiting events on, a second transaction beside the running one costs less than it gains. */
const WORTH_ANOTHER = 32;
const BATCH_EVENTS = 2_000;
const MOST_WAITING = 20_000;

/**
 * Batches that form by themselves, without a timer: a free writer takes everything that waits, so an idle service stores
 * an event at once and a busy one stores many together. One writer, and another while much is waiting.
 */
export function createIntake(store: StoreArrivals): Intake {
  let waiting: Waiting[] = [];
  let events = 0;
  let writing = 0;

  const nextBatch = (): readonly Waiting[] => {
    let size = 0;
    const end = waiting.findIndex(({ arrival }, index) => {
      size += arrival.events.length;
      return index > 0 && size > BATCH_EVENTS;
    });
    const batch = end === -1 ? waiting : waiting.slice(0, end);
    waiting = waiting.slice(batch.length);
    for (const { arrival } of batch) events -= arrival.events.length;
    return batch;
  };

  const write = async (): Promise<void> => {
    writing += 1;
    while (waiting.length > 0) {
      const batch = nextBatch();
      try {
        const verdicts = await store(batch.map(({ arrival }) => arrival));
        for (const [index, { resolve }] of batch.entries()) resolve(verdicts[index] ?? []);
      } catch (fault) {
        for (const { reject } of batch) reject(fault);
      }
    }
    writing -= 1;
  };

  return {
    take: (arrival) => {
      if (events + arrival.events.length > MOST_WAITING) return Promise.reject(tooMuch());
      return new Promise((resolve, reject) => {
        waiting.push({ arrival, resolve, reject });
        events += arrival.events.length;
        if (writing === 0 || (writing < WRITERS && events >= WORTH_ANOTHER)) void write();
      });
    },
  };
}

function tooMuch(): ProviderError {
  return new ProviderError("unavailable", "More usage is waiting to be stored than can be kept. Send it again later.", {
    retryAfter: 1,
  });
}
