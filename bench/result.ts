/** What can be measured of a way of doing something, with the heading of its column and its digits. */
export const measures = {
  rate: { heading: "a second", digits: 0 },
  p50Ms: { heading: "p50 ms", digits: 1 },
  p99Ms: { heading: "p99 ms", digits: 1 },
  cpuMicros: { heading: "CPU µs", digits: 0 },
  databaseMicros: { heading: "database µs", digits: 1 },
  memoryMb: { heading: "memory MB", digits: 0 },
  generatorBusy: { heading: "generator", digits: 2 },
  seconds: { heading: "seconds", digits: 1 },
  events: { heading: "events", digits: 0 },
  sentAgain: { heading: "sent again", digits: 0 },
  duplicates: { heading: "then duplicates", digits: 0 },
  records: { heading: "records", digits: 0 },
  calls: { heading: "calls", digits: 0 },
  recordsPerCall: { heading: "records a call", digits: 2 },
  throttled: { heading: "throttled", digits: 0 },
  keyBytes: { heading: "bytes of key", digits: 0 },
  eventBytes: { heading: "bytes of event", digits: 0 },
  provisionMs: { heading: "ms to provision", digits: 1 },
  removeMs: { heading: "ms to remove", digits: 1 },
  kilobytes: { heading: "kB each", digits: 1 },
  megabytes: { heading: "MB in all", digits: 0 },
  trips: { heading: "round trips", digits: 0 },
  pageMs: { heading: "page ms", digits: 1 },
  bareMs: { heading: "bare ms", digits: 1 },
  overBare: { heading: "page / bare", digits: 2 },
  overSmall: { heading: "many / few", digits: 2 },
  restartSeconds: { heading: "s to restart", digits: 2 },
  recoverySeconds: { heading: "s after a crash", digits: 2 },
} as const satisfies Record<string, { heading: string; digits: number }>;

export type Measure = keyof typeof measures;

export type Figures = { readonly side: string } & Readonly<Partial<Record<Measure, number>>>;

export interface Verdict {
  readonly of: string;
  /** Where `value` is a ratio. */
  readonly against?: string;
  readonly value: number;
  /** The same ratio for the processor time of server and database together: steadier where others use the machine too. */
  readonly byCpu?: number;
  readonly least?: number;
  readonly most?: number;
  readonly met: boolean;
}

export interface Result {
  readonly name: string;
  readonly title: string;
  readonly figures: readonly Figures[];
  readonly verdicts: readonly Verdict[];
}

export function verdict(found: Omit<Verdict, "met">): Verdict {
  const { value, least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY } = found;
  return { ...found, met: value >= least && value <= most };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** The median of each measure over the rounds. */
export function mediansOf<M extends Measure>(samples: readonly Readonly<Record<M, number>>[]): Record<M, number> {
  const [first] = samples;
  const names = Object.keys(first ?? {}) as M[];
  const medians = names.map((measure) => [measure, median(samples.map((sample) => sample[measure]))]);
  return Object.fromEntries(medians) as Record<M, number>;
}
