import type { Clock } from "../clock.ts";
import type { Store } from "../isolation/isolation.ts";
import { type ReportingByMarketplace, rulesJson } from "./billing.ts";
import type { Settled } from "./outbox.ts";
import { nowSql, restful } from "./rolling.ts";

export interface DeadlinesOptions {
  readonly clock: Clock;
  readonly reporting: () => ReportingByMarketplace;
  readonly dimensions: readonly string[];
  readonly told: {
    readonly settled: (records: readonly Settled[]) => void;
    readonly atRisk: (hours: 6 | 1, records: number) => void;
  };
}

const AT_ONCE = 2_000;
/** So long after its begin a worker has heard of every purchase that it can hear of. */
const HEARD_AFTER_MS = 3_600_000;
/** Looking at what still waits for a payer costs something too. */
const FREEZE_MOMENT_MS = 250;

/**
 * One round: fixes what sealed records will say, ends those whose time is over, raises alarms for those close to it.
 * Answers whether there was work. Any number of workers may run it.
 */
export function deadlinesJob(store: Store, options: DeadlinesOptions): () => Promise<boolean> {
  const { clock, reporting, dimensions, told } = options;
  const freeze = restful(async () => {
    const answer = await one<{ yes: boolean }>(store, `select freeze_usage($1, $2, ${nowSql(clock, "$3")}) as yes`, [
      rulesJson(reporting()),
      dimensions,
      clock.now(),
    ]);
    return answer.yes;
  }, FREEZE_MOMENT_MS);

  const beganAt = clock.now().getTime();
  let froze = false;
  return async () => {
    // What is left after a full round is not made to wait.
    froze = await freeze(froze);
    const now = clock.now();
    const { ended } = await one<{ ended: Settled[] }>(
      store,
      `select expire_usage($1, ${nowSql(clock, "$2")}, $3, $4) as ended`,
      [inDryRun(reporting()), now, AT_ONCE, Math.abs(now.getTime() - beganAt) >= HEARD_AFTER_MS],
    );
    if (ended.length > 0) told.settled(ended);
    const { alarms } = await one<{ alarms: Alarms }>(
      store,
      `select alarm_usage(${nowSql(clock, "$1")}, $2) as alarms`,
      [now, AT_ONCE],
    );
    if (alarms["6"] > 0) told.atRisk(6, alarms["6"]);
    if (alarms["1"] > 0) told.atRisk(1, alarms["1"]);
    return froze || ended.length > 0;
  };
}

type Alarms = Readonly<Record<"6" | "1", number>>;

/** Where nothing is sent, nothing expires: as if time stood still. */
function inDryRun(reporting: ReportingByMarketplace): readonly string[] {
  return [...reporting].filter(([, { mode }]) => mode === "dry").map(([name]) => name);
}

async function one<Row extends object>(store: Store, text: string, values: readonly unknown[]): Promise<Row> {
  const [row] = await store.throughDoor<Row>({ text, values });
  if (row === undefined) throw new Error("A function of the database gave no row.");
  return row;
}
