import { sides } from "./commit-proxy.ts";
import { type Crash, type Point, points } from "./points.ts";
import type { Temper } from "./product.ts";
import { type Random, randomFrom } from "./random.ts";

/** One thing that happens in a scenario. */
export type Step =
  /** A customer without an add-on buys one in place of everything else. */
  | { readonly do: "buy" | "upgrade"; readonly who: number; readonly plan: string }
  | { readonly do: "rotate"; readonly who: number; readonly overlap: number }
  | { readonly do: "remove" | "repeat"; readonly who: number }
  | { readonly do: "turn"; readonly ms: number }
  | { readonly do: "pause"; readonly ms: number }
  /** Until nothing is due and nobody is at work. */
  | { readonly do: "rest" }
  | { readonly do: "faults"; readonly faults: Readonly<Record<string, unknown>> }
  | { readonly do: "temper"; readonly temper: Temper }
  | { readonly do: "crash"; readonly crash: Crash }
  /** Waits for the ordered crash, and turns the clock past the leases it left. */
  | { readonly do: "recover"; readonly withinMs: number; readonly turn: boolean }
  /** `kill -9` so long after this step. */
  | { readonly do: "kill"; readonly afterMs: number }
  | { readonly do: "end connections" }
  | { readonly do: "restart database" };

export interface Timed {
  readonly step: Step;
  /** The next step does not wait for its end. */
  readonly beside: boolean;
}

/** A whole scenario, made from its seed alone. */
export interface Script {
  readonly id: string;
  readonly target: Crash;
  readonly customers: number;
  /** How often a lost answer is asked for again. */
  readonly patience: number;
  readonly steps: readonly Timed[];
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const PLANS = ["basic", "standard", "premium"] as const;
/** Longer than a lease: whatever a dead process held is free then. */
export const PAST_LEASES = 31 * SECOND;

const alone = (...steps: readonly Step[]): readonly Timed[] => steps.map((step) => ({ step, beside: false }));
const off = (fault: string): Step => ({ do: "faults", faults: { [fault]: null } });
const on = (faults: Readonly<Record<string, unknown>>): Step => ({ do: "faults", faults });
const purchase: Step = { do: "buy", who: 0, plan: "basic" };
const upgrade: Step = { do: "upgrade", who: 0, plan: "standard" };
const rotation: Step = { do: "rotate", who: 0, overlap: 60 };
const temper = (given: Temper): Step => ({ do: "temper", temper: given });
const rest: Step = { do: "rest" };
const bought = [purchase, rest] as const;
const night: readonly Step[] = [1, 2, 3].map(() => ({ do: "turn", ms: 3 * HOUR }));

/** What leads to each point, and what then meets it. */
const approaches: Readonly<Record<Point, { readonly to?: readonly Step[]; readonly act: readonly Step[] }>> = {
  "provision begins": { act: [purchase] },
  "provision ends": { act: [purchase] },
  "provision is refused": { to: [temper({ kind: "refuses" })], act: [purchase] },
  "plan change begins": { to: bought, act: [upgrade] },
  "plan change ends": { to: bought, act: [upgrade] },
  "plan change is refused": { to: [...bought, temper({ kind: "refuses" })], act: [upgrade] },
  "rotation begins": { to: bought, act: [rotation] },
  "rotation ends": { to: bought, act: [rotation] },
  "deprovision begins": { to: bought, act: [{ do: "remove", who: 0 }] },
  "deprovision ends": { to: bought, act: [{ do: "remove", who: 0 }] },
  "operation is put off": { to: [temper({ kind: "later", times: 2 })], act: [purchase] },
  "operations are claimed": {
    to: [temper({ kind: "fails", times: 1 })],
    act: [purchase, { do: "turn", ms: 3 * SECOND }],
  },
  "owed calls are claimed": { act: [purchase] },
  "credentials retire": { to: [...bought, rotation, rest], act: [{ do: "turn", ms: HOUR }] },
  "refreshes are owed": { to: bought, act: night },
  "sign-ins are swept": { act: [{ do: "pause", ms: SECOND }] },
  "worker is seen": { act: [{ do: "pause", ms: SECOND }] },
  "owed call is delivered": { act: [purchase] },
  "owed call is put off": {
    to: [on({ platform_down: true })],
    act: [purchase, { do: "pause", ms: 300 }, off("platform_down")],
  },
  "owed call is given up": { to: [on({ expire_grant: { times: 1 } })], act: [purchase] },
  "later end is promised": {
    to: [temper({ kind: "slow", ms: 8_800 }), on({ repeat: { value: 2, times: 1 } })],
    act: [purchase],
  },
  "grant is kept": { act: [purchase] },
  "grant is lost": { to: [on({ expire_grant: { times: 1 } })], act: [purchase] },
  "refresh is taken": { to: bought, act: night },
  "refresh is left": {
    to: [...bought, on({ platform_down: true })],
    act: [...night, { do: "pause", ms: 1_500 }, off("platform_down")],
  },
  "refreshed grant is kept": { to: bought, act: night },
  "people are kept": { act: [purchase] },
  "subscription is prepared": { act: [purchase] },
  "subscription is kept": { act: [purchase] },
  "webhook is taken": { to: bought, act: [upgrade] },
};

/** Points that take many seconds to come by. */
const SLOW: ReadonlySet<Point> = new Set(["later end is promised"]);

export const isSlow = ({ point }: Crash): boolean => SLOW.has(point);

export interface ScriptOptions {
  readonly seed: number;
  /** Counted from 0. */
  readonly index: number;
  /** Whether this database's server may be restarted. */
  readonly mayRestart: boolean;
  /** With fewer steps after the crash. */
  readonly isBrief?: boolean;
}

/** Every point with both sides. */
export const targets: readonly Crash[] = points.flatMap((point) => sides.map((side) => ({ point, side })));

/** All targets in turn, in another order each time. */
export function targetAt(seed: number, index: number): Crash {
  const round = randomFrom(seed, "round", Math.floor(index / targets.length)).shuffled(targets);
  const target = round[index % targets.length];
  if (target === undefined) throw new RangeError("There are no points.");
  return target;
}

/** The same seed and index give the same script. */
export function writeScript({ seed, index, mayRestart, isBrief = false }: ScriptOptions): Script {
  const random = randomFrom(seed, "scenario", index);
  const target = targetAt(seed, index);
  const customers = 1 + random.below(4);
  const { to = [], act } = approaches[target.point];
  const last = act.at(-1);
  const recover: Step = { do: "recover", withinMs: isSlow(target) ? 20_000 : 3_000, turn: random.chance(0.8) };
  const some = (least: number, more: number, step: () => Timed) =>
    Array.from({ length: least + random.below(more) }, step);
  const length = isBrief ? 2 : 5;
  return {
    id: `${seed}.${index}`,
    target,
    customers,
    patience: random.pick([0, 0.5, 0.9]),
    steps: [
      // Nobody else may use up what a slow approach has prepared: it does not come round again soon.
      ...(isSlow(target) ? [] : some(0, customers, () => lifeStep(random, customers))),
      ...alone(...to, { do: "crash", crash: target }, ...act.slice(0, -1)),
      ...(last === undefined ? [] : [{ step: last, beside: last.do !== "turn" }]),
      ...some(0, customers, () => lifeStep(random, customers)),
      ...alone(recover),
      ...some(length, length, () => (random.chance(0.65) ? lifeStep(random, customers) : trouble(random, mayRestart))),
    ],
  };
}

/** What customers and the product do, often at the same time. */
function lifeStep(random: Random, customers: number): Timed {
  const who = random.below(customers);
  const plan = random.pick(PLANS);
  const step = random.pick<Step>([
    { do: "buy", who, plan },
    { do: "upgrade", who, plan },
    { do: "upgrade", who, plan },
    { do: "rotate", who, overlap: random.pick([60, 600, 7_200]) },
    { do: "rotate", who, overlap: random.pick([60, 600, 7_200]) },
    { do: "remove", who },
    { do: "repeat", who },
  ]);
  return { step, beside: random.chance(0.6) };
}

/** What goes wrong around them. */
function trouble(random: Random, mayRestart: boolean): Timed {
  const step = random.pick<Step>([
    { do: "turn", ms: random.pick([MINUTE, 10 * MINUTE, HOUR, 3 * HOUR]) },
    { do: "turn", ms: random.pick([MINUTE, 10 * MINUTE, HOUR, 3 * HOUR]) },
    { do: "faults", faults: anyFaults(random) },
    { do: "faults", faults: anyFaults(random) },
    { do: "temper", temper: anyTemper(random) },
    { do: "temper", temper: anyTemper(random) },
    { do: "temper", temper: anyTemper(random) },
    { do: "crash", crash: random.pick(targets) },
    { do: "kill", afterMs: random.below(600) },
    { do: "end connections" },
    mayRestart && random.chance(0.3) ? { do: "restart database" } : { do: "end connections" },
  ]);
  return { step, beside: step.do === "kill" };
}

function anyTemper(random: Random): Temper {
  return random.pick<Temper>([
    { kind: "slow", ms: 50 + random.below(350) },
    { kind: "later", times: 1 + random.below(2) },
    { kind: "fails", times: 1 + random.below(2) },
    { kind: "silent", times: 1 },
    { kind: "refuses" },
  ]);
}

function anyFaults(random: Random): Readonly<Record<string, unknown>> {
  return random.pick([
    { repeat: { value: 2 + random.below(3), times: 1 + random.below(3) } },
    { drop_answer: { times: 1 + random.below(2) } },
    { delay: { value: 20 + random.below(150), times: 6 } },
    { platform_down: { times: 1 + random.below(6) } },
    { rate_limit: { times: 1 + random.below(4) } },
    { gone: { times: 1 } },
    { reorder: { times: 1 } },
    { impatient: { value: 100 + random.below(300), times: 1 } },
  ]);
}
