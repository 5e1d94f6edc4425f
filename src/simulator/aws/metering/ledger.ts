import type { Generation } from "../model/agreement.ts";

/** One record that AWS will put on a bill. The first write of its key wins. */
export interface BilledRecord {
  readonly region: string;
  readonly generation: Generation;
  readonly productCode: string;
  readonly licenceArn: string | null;
  readonly account: string;
  readonly customer: string | null;
  readonly dimension: string;
  readonly hour: Date;
  readonly timestamp: Date;
  readonly quantity: number;
  readonly recordId: string;
  readonly allocations: readonly unknown[] | null;
  readonly receivedAt: Date;
}

/** One call of BatchMeterUsage, as the call log has it. */
export interface MeteringCall {
  readonly at: Date;
  readonly region: string;
  readonly requestId: string;
  readonly records: number;
  /** `Success`, or the error's name. */
  readonly outcome: string;
}

export interface Ledger {
  /** The record that holds the key, if one does. */
  find(key: string): BilledRecord | undefined;
  bill(key: string, record: BilledRecord): void;
  /** Which way the same usage was billed first; `place` when it is the first itself. */
  firstPlace(usage: string, place: string): string;
  noteCall(call: MeteringCall): void;
  billed(): readonly BilledRecord[];
  /** Newest last; old ones are dropped. */
  calls(): readonly MeteringCall[];
}

const CALLS_KEPT = 20_000;

export function createLedger(): Ledger {
  const records = new Map<string, BilledRecord>();
  const places = new Map<string, string>();
  const calls: MeteringCall[] = [];
  return {
    find: (key) => records.get(key),
    bill: (key, record) => void records.set(key, record),
    firstPlace: (usage, place) => {
      const first = places.get(usage) ?? place;
      places.set(usage, first);
      return first;
    },
    noteCall: (call) => {
      calls.push(call);
      if (calls.length > 2 * CALLS_KEPT) calls.splice(0, CALLS_KEPT);
    },
    billed: () => [...records.values()],
    calls: () => calls,
  };
}
