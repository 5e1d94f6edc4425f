import { setTimeout as sleep } from "node:timers/promises";
import { FOLLOWED_AFTER_MS, post, turnClock } from "./clock.ts";
import { buy, type Customer, changePlan, remove, rotate } from "./customer.ts";
import { judge, type Violation } from "./judge.ts";
import type { Crash } from "./points.ts";
import { randomFrom } from "./random.ts";
import { startSampling } from "./sampler.ts";
import { PAST_LEASES, type Script, type Step } from "./script.ts";
import { calmDown, settle, unfinished } from "./settle.ts";
import { clockOf, type World } from "./world.ts";

/** What a scenario came to. */
export interface Played {
  readonly script: Script;
  readonly crashes: readonly Crash[];
  readonly kills: number;
  readonly connectionsEnded: number;
  readonly restarts: number;
  readonly tenants: number;
  readonly lifecycleCalls: number;
  readonly productCalls: number;
  readonly calls: Readonly<Record<"delivered" | "given_up" | "cancelled", number>>;
  /** Why calls were given up, a line for each. */
  readonly givenUp: readonly string[];
  readonly samples: number;
  readonly violations: readonly Violation[];
  /** Why it says nothing about the provider although nothing was found broken: it was not played as it is written. */
  readonly lateStarts: readonly string[];
  /** What happened, a line each. */
  readonly history: readonly string[];
}

interface Stage {
  readonly world: World;
  readonly customers: readonly Customer[];
  /** Whether the script lets anything go wrong. */
  readonly isTroubled: boolean;
  readonly done: { kills: number; connectionsEnded: number; restarts: number };
}

export interface PlayOptions {
  /** Breaks something after the script, for the judge to find. */
  readonly sabotage?: (world: World, customers: readonly Customer[]) => Promise<void>;
}

const HISTORY_KEPT = 400;
const TROUBLES: ReadonlySet<Step["do"]> = new Set(["crash", "kill", "end connections", "restart database", "faults"]);

/** Plays a script to its end, lets everything settle, judges, and clears the stage. */
export async function play(world: World, script: Script, options: PlayOptions = {}): Promise<Played> {
  const history: string[] = [];
  const crashes: Crash[] = [];
  const startedAt = performance.now();
  const random = randomFrom(script.id, "chances");
  const say = (line: string): void => {
    if (history.length < HISTORY_KEPT) history.push(`${Math.round(performance.now() - startedAt)} ms: ${line}`);
  };
  Object.assign(world.ear, {
    say,
    isPatient: () => random.chance(script.patience),
    crashed: (crash: Crash) => {
      crashes.push(crash);
      say(`the provider dies ${crash.side} "${crash.point}"`);
    },
  });
  const customers = customersOf(script);
  const isTroubled = script.steps.some(({ step }) => TROUBLES.has(step.do));
  const stage: Stage = { world, customers, isTroubled, done: { kills: 0, connectionsEnded: 0, restarts: 0 } };
  const before = { lifecycle: world.front.lifecycleCalls, product: world.product.calls };
  const known = new Set(offencesOf(world));
  const lateBefore = world.provider.lateStarts.length;
  const violations: Violation[] = [];
  const sampler = startSampling(world, customers);
  try {
    await perform(stage, script);
    violations.push(...(await ending(stage, options)), ...(await lastingVerdict(stage)));
  } catch (fault) {
    violations.push({
      rule: "the scenario can be played",
      said: fault instanceof Error ? String(fault.stack) : String(fault),
    });
  }
  for (const said of await sampler.stop()) violations.push({ rule: "a customer never holds only refused keys", said });
  for (const said of offencesOf(world)) {
    if (!known.has(said)) violations.push({ rule: "nobody sees what nobody should see", said });
  }
  if (violations.length > 0) history.push("the provider wrote last:", ...world.provider.lines);
  const tally = await tallyOf(world);
  await clear(world);
  return {
    script,
    crashes,
    ...stage.done,
    ...tally,
    lifecycleCalls: world.front.lifecycleCalls - before.lifecycle,
    productCalls: world.product.calls - before.product,
    samples: sampler.samples(),
    violations,
    lateStarts: world.provider.lateStarts.slice(lateBefore),
    history,
  };
}

/** A webhook may come late and set something going: what is wrong stays wrong when that is over, too. */
async function lastingVerdict({ world, customers, isTroubled }: Stage): Promise<readonly Violation[]> {
  const verdict = await judge(world, customers, isTroubled);
  if (verdict.length === 0) return verdict;
  await settle(world, customers);
  return judge(world, customers, isTroubled);
}

const customersOf = ({ id, customers }: Script): readonly Customer[] =>
  Array.from({ length: customers }, (_, place) => ({
    app: `soak-${id.replaceAll(".", "-")}-${place}`,
    addon: undefined,
    isBuying: false,
    doubt: undefined,
  }));

const offencesOf = ({ provider, product, front, proxy }: World): readonly string[] => [
  ...provider.ownEnds,
  ...product.offences,
  ...front.offences,
  ...[...proxy.unnamed].map((sql) => `A commit that has no name here: ${sql}`),
];

async function perform(stage: Stage, { steps }: Script): Promise<void> {
  const pending: Promise<void>[] = [];
  for (const { step, beside } of steps) {
    const work = take(stage, step).catch((fault: unknown) =>
      stage.world.ear.say(`${step.do} failed: ${String(fault)}`),
    );
    if (beside) pending.push(work);
    else await work;
  }
  await Promise.all(pending);
}

async function take({ world, customers, done }: Stage, step: Step): Promise<void> {
  const customer = customers["who" in step ? step.who : 0];
  if (customer === undefined) return;
  if ("who" in step && customer.addon === undefined) return buy(world, customer, "plan" in step ? step.plan : "basic");
  switch (step.do) {
    case "buy":
      return buy(world, customer, step.plan);
    case "upgrade":
      return changePlan(world, customer, step.plan);
    case "rotate":
      return rotate(world, customer, step.overlap);
    case "remove":
      return remove(world, customer);
    case "repeat":
      return void (await world.front.repeat(customer.addon ?? ""));
    case "turn":
      await codesExchanged(world, step.ms);
      return void (await turnClock(world, step.ms));
    case "pause":
      return void (await sleep(step.ms));
    case "rest":
      return rest(world);
    case "faults":
      world.ear.say(`faults ${JSON.stringify(step.faults)}`);
      return post(world, "/_faults", step.faults);
    case "temper":
      world.ear.say(`the product will be ${JSON.stringify(step.temper)}`);
      return world.product.next(step.temper);
    case "crash":
      return world.proxy.arm(step.crash);
    case "recover":
      return recover(world, step.withinMs, step.turn);
    case "kill":
      await sleep(step.afterMs);
      if (world.provider.kill()) done.kills += 1;
      return world.ear.say("kill -9");
    case "end connections":
      done.connectionsEnded += await endConnections(world);
      return;
    case "restart database":
      await world.database.restart?.();
      done.restarts += 1;
      return world.ear.say("the database was ended at once and started again");
  }
}

const REST_WITHIN_MS = 6_000;
const CODE_LIVES_MS = 4 * 60_000;
const EXCHANGED_WITHIN_MS = 1_500;
const EXCHANGE_TRIES = 4;

async function rest(world: World): Promise<void> {
  await quiet(REST_WITHIN_MS, async () => {
    const { running, owed } = await unfinished(world);
    return running === 0 && owed === 0;
  });
}

/** A grant code lives five minutes. A long turn waits for the exchange, or most grants would be lost to the clock alone. */
async function codesExchanged(world: World, ms: number): Promise<void> {
  const areExchanged = async () => {
    const owed = "select from owed_calls where kind = 'heroku:exchange-grant' and state = 'owed'";
    return (await world.looker.look(owed)).length === 0;
  };
  for (let tried = 0; ms > CODE_LIVES_MS && tried < EXCHANGE_TRIES && !(await areExchanged()); tried += 1) {
    await world.provider.port();
    if (tried > 0) await turnClock(world, PAST_LEASES);
    await quiet(EXCHANGED_WITHIN_MS, areExchanged);
  }
}

async function recover(world: World, withinMs: number, turn: boolean): Promise<void> {
  await quiet(withinMs, async () => world.proxy.armed === undefined);
  await world.provider.port();
  if (turn) await turnClock(world, PAST_LEASES);
}

async function quiet(withinMs: number, isSo: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + withinMs;
  while (performance.now() < until && !(await isSo())) await sleep(25);
}

async function endConnections({ looker, ear }: World): Promise<number> {
  const rows = await looker.look(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where usename = 'stallholder_app' and datname = current_database()`,
  );
  ear.say(`${rows.length} connections to the database were ended`);
  return rows.length;
}

/** All faults are over; then the overlaps of all rotations are, too. */
async function ending({ world, customers }: Stage, { sabotage }: PlayOptions): Promise<readonly Violation[]> {
  await calmDown(world);
  await world.provider.port();
  await sabotage?.(world, customers);
  const open = await settle(world, customers);
  if (open !== undefined) return [{ rule: "everything comes to an end", said: JSON.stringify(open) }];
  const [row] = await world.looker.look<{ ends: Date | null }>(
    "select max(retires_at) as ends from credentials where state = 'retiring'",
  );
  if (!row?.ends) return [];
  const left = row.ends.getTime() - (await clockOf(world.simulator)).getTime();
  await turnClock(world, Math.max(left, 0) + 120_000);
  await quiet(REST_WITHIN_MS, async () => {
    const rows = await world.looker.look("select from credentials where state = 'retiring'");
    return rows.length === 0;
  });
  await settle(world, customers);
  return [];
}

async function tallyOf({ looker }: World): Promise<Pick<Played, "tenants" | "calls" | "givenUp">> {
  const tenants = await looker.look("select from tenants");
  const calls = await looker.look<{ kind: string; state: "delivered" | "given_up" | "cancelled"; fault: string }>(
    "select kind, state, last_fault as fault from owed_calls",
  );
  const count = (state: string): number => calls.filter((call) => call.state === state).length;
  return {
    tenants: tenants.length,
    calls: { delivered: count("delivered"), given_up: count("given_up"), cancelled: count("cancelled") },
    givenUp: calls.filter(({ state }) => state === "given_up").map(({ kind, fault }) => `${kind}: ${fault}`),
  };
}

/** The next scenario begins with nothing, so that it can be played again alone. */
async function clear(world: World): Promise<void> {
  const now = await clockOf(world.simulator);
  await post(world, "/_reset", {});
  await post(world, "/_clock", { now: now.toISOString() });
  await sleep(FOLLOWED_AFTER_MS);
  await world.looker.look("truncate tenants cascade");
  world.product.reset();
  world.front.reset();
}
