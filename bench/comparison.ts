import { type Generator, type Served, startServed } from "./children.ts";
import type { Direct, LoadJob, LoadResult, Question } from "./load-job.ts";
import type { MeasuredDatabase } from "./postgres.ts";
import { median, mediansOf, type Result, type Verdict, verdict } from "./result.ts";
import type { ServerJob } from "./serve.ts";

interface AnySide {
  readonly name: string;
  readonly database?: MeasuredDatabase;
  /** API keys or tenants that are asked about. */
  readonly subjects?: readonly string[];
}

/** A server that is asked over HTTP. */
interface ServerSide extends AnySide {
  readonly server: ServerJob["server"];
  /** As the role of the service; the sides without us know no policies. */
  readonly as?: "app" | "superuser";
}

/** The load generator on the database itself, without a server between. */
interface DirectSide extends AnySide {
  readonly direct: Direct;
  readonly database: MeasuredDatabase;
  readonly connections: number;
  /** Another login than the superuser; or one for each connection. */
  readonly login?: string;
  readonly logins?: readonly string[];
}

/** One way of doing the same work. */
export type Side = ServerSide | DirectSide;

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
  /** User and system time of the serving process for one unit of work; of the generator where there is no server. */
  readonly cpuMicros: number;
  /** The same of the database's connections; not a number where there is none, or it cannot be known. */
  readonly databaseMicros: number;
  /** Resident, of the same process. */
  readonly memoryMb: number;
  readonly generatorBusy: number;
}

/** Starts every side, warms each up, measures them in turn round by round, and ends them. */
export async function compare(comparison: Comparison, length: Length, generator: Generator): Promise<Result> {
  const running = await Promise.all(comparison.sides.map(startSide));
  try {
    for (const side of running) await warmUp(length, () => load(side, comparison, length.seconds, generator));
    for (let round = 0; round < length.rounds; round++) {
      for (const side of inTurn(running, round)) {
        side.samples.push(await measure(side, comparison, length.seconds, generator));
      }
    }
  } finally {
    await Promise.all(running.map(({ served }) => served?.stop()));
  }
  return resultOf(comparison, running);
}

interface RunningSide {
  readonly side: Side;
  readonly served: Served | undefined;
  readonly samples: Sample[];
}

async function startSide(side: Side): Promise<RunningSide> {
  const served = "direct" in side ? undefined : await startServed({ server: side.server, databaseUrl: urlOf(side) });
  return { side, served, samples: [] };
}

function urlOf({ database, as }: ServerSide): string {
  return (as === "app" ? database?.appUrl : database?.superuserUrl) ?? "";
}

/** Each round begins with another side: what one leaves behind does not always meet the same next one. */
function inTurn<T>(sides: readonly T[], round: number): readonly T[] {
  const first = round % sides.length;
  return [...sides.slice(first), ...sides.slice(0, first)];
}

/** Fires until the compiler has seen enough. */
export async function warmUp(length: Length, fire: () => Promise<{ readonly requests: number }>): Promise<void> {
  const { seconds, warmUpRequests, warmUpSeconds } = length;
  let requests = 0;
  for (let spent = 0; spent < warmUpSeconds && requests < warmUpRequests; spent += seconds) {
    requests += (await fire()).requests;
  }
}

function load(
  { side, served }: RunningSide,
  comparison: Comparison,
  seconds: number,
  generator: Generator,
): Promise<LoadResult> {
  return generator.fire(jobOf(side, served, comparison, seconds));
}

async function measure(
  running: RunningSide,
  comparison: Comparison,
  seconds: number,
  generator: Generator,
): Promise<Sample> {
  const { side, served } = running;
  const before = await timesOf(served, side.database);
  const result = await load(running, comparison, seconds, generator);
  const after = await timesOf(served, side.database);
  const { units, seconds: took, p50Ms, p99Ms, busy } = result;
  const server = served === undefined ? busy * took * 1_000_000 : after.server - before.server;
  return {
    rate: units / took,
    p50Ms,
    p99Ms,
    cpuMicros: server / units,
    databaseMicros: (after.database - before.database) / units,
    memoryMb: served === undefined ? result.memoryMb : after.memoryMb,
    generatorBusy: busy,
  };
}

function jobOf(side: Side, served: Served | undefined, comparison: Comparison, seconds: number): LoadJob {
  const { subjects = [] } = side;
  if ("direct" in side) {
    const { direct, database, connections, login = database.superuserUrl, logins } = side;
    return { direct, databaseUrl: login, connections, seconds, subjects, ...(logins === undefined ? {} : { logins }) };
  }
  const { question, connections } = comparison;
  return { question, port: served?.port ?? 0, connections, seconds, subjects };
}

async function timesOf(served: Served | undefined, database: MeasuredDatabase | undefined) {
  const { cpuMicros, memoryMb } = (await served?.spent()) ?? { cpuMicros: Number.NaN, memoryMb: Number.NaN };
  return { server: cpuMicros, memoryMb, database: (await database?.cpuMicros()) ?? Number.NaN };
}

function resultOf({ name, title, targets }: Comparison, running: readonly RunningSide[]): Result {
  return {
    name,
    title,
    figures: running.map(({ side, samples }) => ({ side: side.name, ...mediansOf(samples) })),
    verdicts: targets.map((target) => verdictOf(target, running)),
  };
}

/** The median of each round's ratio of rates. */
function verdictOf(target: Target, running: readonly RunningSide[]): Verdict {
  const [of, against] = [target.of, target.against].map(
    (name) => running.find(({ side }) => side.name === name)?.samples,
  );
  const pairs = (of ?? []).flatMap((sample, round) => {
    const other = against?.[round];
    return other === undefined ? [] : [{ sample, other }];
  });
  const value = median(pairs.map(({ sample, other }) => sample.rate / other.rate));
  const byCpu = median(pairs.map(({ sample, other }) => cpuOf(other) / cpuOf(sample)));
  return verdict({ ...target, value, byCpu });
}

const cpuOf = ({ cpuMicros, databaseMicros }: Sample): number =>
  cpuMicros + (Number.isNaN(databaseMicros) ? 0 : databaseMicros);
