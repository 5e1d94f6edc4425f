import { type Generator, type Served, startServed } from "./children.ts";
import type { Question } from "./load.ts";
import type { MeasuredDatabase } from "./postgres.ts";
import type { ServerJob } from "./serve.ts";

/** One way of doing the same work. */
export interface Side {
  readonly name: string;
  readonly server: ServerJob["server"];
  readonly database?: MeasuredDatabase;
  /** As the role of the service; the sides without us know no policies. */
  readonly as?: "app" | "superuser";
  readonly keys?: readonly string[];
}

/** The rate of `of` must be at least `least` times that of `against`. */
export interface Target {
  readonly of: string;
  readonly against: string;
  readonly least: number;
}

export interface Comparison {
  readonly name: string;
  readonly title: string;
  readonly question: Question;
  readonly connections: number;
  readonly sides: readonly Side[];
  readonly targets: readonly Target[];
}

export interface Length {
  readonly rounds: number;
  readonly seconds: number;
  /** Before that, so that the compiler has seen every path; a slow side stops after `warmUpSeconds`. */
  readonly warmUpRequests: number;
  readonly warmUpSeconds: number;
}

/** What one round says of one side. */
interface Sample {
  readonly rate: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** User and system time of the serving process for one request. */
  readonly cpuMicros: number;
  /** The same of the database's connections; not a number where there is none, or it cannot be known. */
  readonly databaseMicros: number;
  readonly generatorBusy: number;
}

/** Medians over the rounds. */
export type Figures = Sample & { readonly side: string };

export interface Verdict extends Target {
  /** The median of each round's ratio of rates. */
  readonly ratio: number;
  /** The same for the processor time of server and database together: steadier where others use the machine too. */
  readonly byCpu: number;
  readonly met: boolean;
}

export interface Result {
  readonly name: string;
  readonly title: string;
  readonly figures: readonly Figures[];
  readonly verdicts: readonly Verdict[];
}

/** Starts every side, warms each up, measures them in turn round by round, and ends them. */
export async function compare(comparison: Comparison, length: Length, generator: Generator): Promise<Result> {
  const running = await Promise.all(comparison.sides.map(startSide));
  try {
    for (const side of running) await warmUp(side, comparison, length, generator);
    for (let round = 0; round < length.rounds; round++) {
      for (const side of inTurn(running, round)) {
        side.samples.push(await measure(side, comparison, length.seconds, generator));
      }
    }
  } finally {
    await Promise.all(running.map(({ served }) => served.stop()));
  }
  return resultOf(comparison, running);
}

interface RunningSide extends Side {
  readonly served: Served;
  readonly samples: Sample[];
}

async function startSide(side: Side): Promise<RunningSide> {
  const databaseUrl = (side.as === "app" ? side.database?.appUrl : side.database?.superuserUrl) ?? "";
  return { ...side, served: await startServed({ server: side.server, databaseUrl }), samples: [] };
}

/** Each round begins with another side: what one leaves behind does not always meet the same next one. */
function inTurn<T>(sides: readonly T[], round: number): readonly T[] {
  const first = round % sides.length;
  return [...sides.slice(first), ...sides.slice(0, first)];
}

async function warmUp(side: RunningSide, comparison: Comparison, length: Length, generator: Generator): Promise<void> {
  const { seconds, warmUpRequests, warmUpSeconds } = length;
  let requests = 0;
  for (let spent = 0; spent < warmUpSeconds && requests < warmUpRequests; spent += seconds) {
    const { rate } = await measure(side, comparison, seconds, generator);
    requests += rate * seconds;
  }
}

async function measure(
  { served, database, keys }: RunningSide,
  { question, connections }: Comparison,
  seconds: number,
  generator: Generator,
): Promise<Sample> {
  const before = await timesOf(served, database);
  const { port } = served;
  const result = await generator.fire({ port, question, seconds, connections, ...(keys ? { keys } : {}) });
  const after = await timesOf(served, database);
  return {
    rate: result.requests / result.seconds,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    cpuMicros: (after.server - before.server) / result.requests,
    databaseMicros: (after.database - before.database) / result.requests,
    generatorBusy: result.busy,
  };
}

async function timesOf(served: Served, database: MeasuredDatabase | undefined) {
  return { server: await served.cpuMicros(), database: (await database?.cpuMicros()) ?? Number.NaN };
}

const measures = ["rate", "p50Ms", "p99Ms", "cpuMicros", "databaseMicros", "generatorBusy"] as const;

function resultOf({ name, title, targets }: Comparison, sides: readonly RunningSide[]): Result {
  return {
    name,
    title,
    figures: sides.map(({ name: side, samples }) => ({ side, ...mediansOf(samples) })),
    verdicts: targets.map((target) => verdictOf(target, sides)),
  };
}

function mediansOf(samples: readonly Sample[]): Sample {
  const medians = measures.map((measure) => [measure, median(samples.map((sample) => sample[measure]))]);
  return Object.fromEntries(medians) as Sample;
}

function verdictOf(target: Target, sides: readonly RunningSide[]): Verdict {
  const [of, against] = [target.of, target.against].map((name) => sides.find((side) => side.name === name)?.samples);
  const pairs = (of ?? []).flatMap((sample, round) => {
    const other = against?.[round];
    return other === undefined ? [] : [{ sample, other }];
  });
  const ratio = median(pairs.map(({ sample, other }) => sample.rate / other.rate));
  const byCpu = median(pairs.map(({ sample, other }) => cpuOf(other) / cpuOf(sample)));
  return { ...target, ratio, byCpu, met: ratio >= target.least };
}

const cpuOf = ({ cpuMicros, databaseMicros }: Sample): number =>
  cpuMicros + (Number.isNaN(databaseMicros) ? 0 : databaseMicros);

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
