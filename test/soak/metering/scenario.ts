import { setTimeout as sleep } from "node:timers/promises";
import { randomFrom } from "../random.ts";
import { buy, change } from "./customer.ts";
import { startFeed } from "./feed.ts";
import { judge } from "./judge.ts";
import { outageFaults } from "./outage.ts";
import type { Crash } from "./points.ts";
import type { Script, Step } from "./script.ts";
import { calm, settle } from "./settle.ts";
import type { Done, Stage, Violation } from "./stage.ts";
import { clear, type Tally, tallyOf } from "./tally.ts";
import { drained, leap, MINUTE_MS, pass, passBlindly } from "./time.ts";
import type { World } from "./world.ts";

/** What a scenario came to. */
export interface Played extends Tally {
  readonly script: Script;
  readonly crashes: readonly Crash[];
  readonly done: Done;
  readonly faults: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
  /** Why it says nothing about the service although nothing was found broken. */
  readonly lateStarts: readonly string[];
  readonly history: readonly string[];
}

export interface PlayOptions {
  /** Called when all was judged and nothing was cleared yet: somebody may break something, and have it judged again. */
  readonly afterwards?: (judgeAgain: () => Promise<readonly Violation[]>) => Promise<void>;
}

const HISTORY_KEPT = 600;

/** Plays a script to its end, heals everything, lets time pass until nothing can change any more, and judges. */
export async function play(world: World, script: Script, { afterwards }: PlayOptions = {}): Promise<Played> {
  const history: string[] = [];
  const crashes: Crash[] = [];
  const startedAt = performance.now();
  const say = (line: string): void => {
    if (history.length < HISTORY_KEPT) history.push(`${Math.round(performance.now() - startedAt)} ms: ${line}`);
  };
  const stage = stageOf(world, script);
  Object.assign(world.ear, {
    say,
    crashed: (crash: Crash) => {
      crashes.push(crash);
      stage.ordered = undefined;
      for (const member of world.members) member.disarm();
    },
  });
  const lateBefore = world.members.flatMap(({ process }) => process.lateStarts).length;
  const endsBefore = world.members.flatMap(({ process }) => process.ownEnds).length;
  const violations: Violation[] = [];
  await begin(world, script);
  const feed = startFeed(world, randomFrom(script.id, "feed"));
  try {
    await perform(stage, script);
    await calm(world);
    violations.push(...(await settle(world, feed)));
    violations.push(...(await judge(stage, feed)));
    await afterwards?.(() => judge(stage, feed));
  } catch (fault) {
    await feed.finish();
    violations.push({
      rule: "the scenario can be played",
      said: fault instanceof Error ? String(fault.stack) : String(fault),
    });
  }
  for (const said of world.members.flatMap(({ process }) => process.ownEnds).slice(endsBefore))
    violations.push({ rule: "no process ends by itself", said });
  if (violations.length > 0)
    for (const { name, process } of world.members) history.push(...process.lines.map((line) => `${name} | ${line}`));
  const tally = await tallyOf(world, feed);
  await clear(world);
  return {
    ...{ script, crashes, done: stage.done, faults: stage.faults, violations, history },
    ...tally,
    lateStarts: world.members.flatMap(({ process }) => process.lateStarts).slice(lateBefore),
  };
}

const stageOf = (world: World, { customers }: Script): Stage => ({
  world,
  customers: Array.from({ length: customers }, (_, place) => ({
    place,
    agreement: undefined,
    isBusy: false,
    suspended: new Set<string>(),
  })),
  ordered: undefined,
  downs: [],
  done: { kills: 0, freezes: 0, connectionsEnded: 0, restarts: 0, outages: 0 },
  faults: {},
});

/** Every scenario has a month of its own: time only goes forward. */
async function begin(world: World, { day }: Script): Promise<void> {
  const now = await world.now();
  await leap(world, new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, day, 20, 10)));
}

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

async function take(stage: Stage, step: Step): Promise<void> {
  const { world, customers, done } = stage;
  const customer = customers["who" in step ? step.who : 0];
  if (customer === undefined) return;
  switch (step.do) {
    case "buy":
      return buy(world, customer, step.way);
    case "change":
      return change(world, customer, step.what, { ...step.more });
    case "pass":
      return pass(world, step.ms);
    case "pause":
      return void (await sleep(step.ms));
    case "faults":
      return setFaults(stage, step.faults);
    case "delivery":
      return void (await world.tell("/_aws/delivery", {
        queue: step.queue,
        eventbridge: !step.queue,
        sns: !step.queue,
      }));
    case "replay":
      return replay(world);
    case "crash":
      return order(stage, step.crash);
    case "meet":
      return meet(stage, step.ms);
    case "kill":
      await sleep(step.afterMs);
      if (world.members[step.member]?.process.kill()) done.kills += 1;
      return world.ear.say(`kill -9 of process ${step.member}`);
    case "freeze":
      return freeze(stage, step.member);
    case "end connections":
      done.connectionsEnded += await endConnections(world);
      return;
    case "restart database":
      await world.database.restart?.();
      done.restarts += 1;
      return world.ear.say("the database was ended at once and started again");
    case "outage":
      return outage(stage, step);
  }
}

async function setFaults({ world, faults }: Stage, set: object): Promise<void> {
  for (const [name, value] of Object.entries(set)) if (value !== null) faults[name] = (faults[name] ?? 0) + 1;
  world.ear.say(`faults ${JSON.stringify(set)}`);
  await world.tell("/_faults", set);
}

/** Whichever process comes to the point first dies there; until then, or the next order, all of them may. */
function order(stage: Stage, crash: Crash): void {
  stage.ordered = crash;
  for (const member of stage.world.members) member.arm(crash);
}

const MEET_STEP_MS = 20 * MINUTE_MS;

async function meet(stage: Stage, ms: number): Promise<void> {
  for (let passed = 0; passed < ms && stage.ordered !== undefined; passed += MEET_STEP_MS)
    await pass(stage.world, MEET_STEP_MS);
}

const STANDS_MS = 2_500;
const PAST_A_LEASE = "40s";

/** Others have taken what it held when it wakes. */
async function freeze({ world, done }: Stage, member: number): Promise<void> {
  const process = world.members[member]?.process;
  if (!process?.signal("SIGSTOP")) return;
  done.freezes += 1;
  world.ear.say(`process ${member} stands still`);
  await world.tell("/_clock", { advance: PAST_A_LEASE });
  await sleep(STANDS_MS);
  process.signal("SIGCONT");
  world.ear.say(`process ${member} goes on`);
}

async function endConnections({ looker, ear }: World): Promise<number> {
  const rows = await looker.look(
    `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'stallholder_app' and datname = current_database()`,
  );
  ear.say(`${rows.length} connections to the database were ended`);
  return rows.length;
}

/** AWS sends old messages once more. */
async function replay(world: World): Promise<void> {
  const messages = await world.ask<readonly { id: string; state: string }[]>("/_aws/messages");
  for (const { id } of messages.filter(({ state }) => state === "delivered").slice(-4))
    await world.tell(`/_aws/messages/${id}/resend`, {});
  world.ear.say("messages are sent again");
}

/** Longer than a record may wait. What is due before it begins is sent first, or it would have an excuse it does not need. */
async function outage(stage: Stage, { outage: kind, ms }: Extract<Step, { do: "outage" }>): Promise<void> {
  const { world, downs, done } = stage;
  await drained(world);
  const down = { from: await world.now(), until: await world.now() };
  downs.push(down);
  done.outages += 1;
  world.ear.say(`nothing can be billed: ${kind}`);
  const end = await outageFaults(world, kind);
  await passBlindly(world, ms);
  down.until = await world.now();
  await end();
  world.ear.say("it is over");
  await Promise.all(world.members.map(({ process }) => process.port()));
  await drained(world);
}
