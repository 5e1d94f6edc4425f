import { type Random, randomFrom } from "../random.ts";
import { type Crash, type Point, targets } from "./points.ts";

/** How somebody buys. */
export interface Way {
  /** Its place among the products. */
  readonly product: number;
  readonly generation: "licence" | "legacy";
  readonly registers: "then" | "first" | "later";
  readonly quantity: number;
  readonly trial: boolean;
}

/** What can be done with an agreement, in the simulator's words. */
export type Change =
  | "renew"
  | "replace"
  | "amend"
  | "cancel"
  | "expire"
  | "terminate"
  | "resubscribe"
  | "move"
  | "register"
  | "suspend"
  | "restore";

/** In which way nothing can be billed for longer than a record lives. */
export const outages = ["throttled", "failing", "silent", "all down"] as const;
export type Outage = (typeof outages)[number];

export type Step =
  | { readonly do: "buy"; readonly who: number; readonly way: Way }
  | { readonly do: "change"; readonly who: number; readonly what: Change; readonly more?: object }
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "pause"; readonly ms: number }
  | { readonly do: "faults"; readonly faults: object }
  | { readonly do: "delivery"; readonly queue: boolean }
  | { readonly do: "replay" }
  /** The next commit of this kind is the end of a process. */
  | { readonly do: "crash"; readonly crash: Crash }
  /** Lets time pass until that has happened, but not for ever. */
  | { readonly do: "meet"; readonly ms: number }
  | { readonly do: "kill"; readonly member: number; readonly afterMs: number }
  /** SIGSTOP, for longer than a lease, and SIGCONT. */
  | { readonly do: "freeze"; readonly member: number }
  | { readonly do: "end connections" }
  | { readonly do: "restart database" }
  | { readonly do: "outage"; readonly outage: Outage; readonly ms: number };

export interface Timed {
  readonly step: Step;
  /** The next step does not wait for its end. */
  readonly beside: boolean;
}

/** A whole scenario, made from its seed alone. */
export interface Script {
  readonly id: string;
  /** Where processes are to die. */
  readonly crashes: readonly Crash[];
  readonly customers: number;
  /** The day of the month on which it begins: often the last. */
  readonly day: number;
  readonly steps: readonly Timed[];
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const buy = (who: number, way: Partial<Way>): Step => ({
  do: "buy",
  who,
  way: { product: 0, generation: "licence", registers: "then", quantity: 40, trial: false, ...way },
});
const change = (who: number, what: Change, more?: object): Step =>
  more === undefined ? { do: "change", who, what } : { do: "change", who, what, more };
const passing = (ms: number): Step => ({ do: "pass", ms });
const faults = (set: object): Step => ({ do: "faults", faults: set });
const meeting: Step = { do: "meet", ms: 3 * HOUR };
const outage = (kind: Outage): Step => ({ do: "outage", outage: kind, ms: 27 * HOUR });

/** An agreement ends and nobody is told: whole batches are refused until the bad records stand alone. */
const poison: readonly Step[] = [
  buy(0, { product: 0 }),
  passing(2 * HOUR),
  faults({ aws_agreements_down: true }),
  change(0, "cancel", { events: "none" }),
  passing(3 * HOUR),
];
const cured: readonly Step[] = [faults({ aws_agreements_down: null }), passing(HOUR)];

interface Approach {
  readonly to?: readonly Step[];
  /** What brings the commit about. */
  readonly act?: readonly Step[];
  readonly after?: readonly Step[];
}

const ending: Approach = { to: [buy(0, {}), passing(HOUR)], act: [change(0, "cancel")] };
const refusing: Approach = { to: poison.slice(0, -1), act: poison.slice(-1), after: cured };
const buying: Approach = { act: [buy(1, {}), buy(2, { generation: "legacy", product: 0 })] };
const late: Approach = { to: [buy(0, {}), passing(HOUR)], act: [outage("throttled")] };
const anything: Approach = { to: [buy(0, {})] };
const announced: Approach = {
  to: [buy(1, { generation: "legacy" }), passing(HOUR)],
  act: [change(1, "cancel"), passing(20 * MINUTE)],
  after: [change(1, "resubscribe")],
};

const approaches: Partial<Readonly<Record<Point, Approach>>> = {
  "records expire": late,
  "alarms are raised": late,
  "a half is claimed": refusing,
  "a batch is halved": refusing,
  "billing ends": ending,
  "a tenant begins to end": ending,
  "an operation ends": ending,
  "usage is closed early": announced,
  "usage is included": { act: [buy(2, { product: 2 }), passing(HOUR)] },
  "a payer is set": buying,
  "parked records are due again": buying,
  "a message is kept": buying,
  "a message is applied": buying,
  "a buyer registers": buying,
  "a tenant begins": buying,
};

/** All targets in turn, in another order each time. */
function targetAt(seed: number, index: number): Crash {
  const round = randomFrom(seed, "round", Math.floor(index / targets.length)).shuffled(targets);
  const target = round[index % targets.length];
  if (target === undefined) throw new RangeError("There are no points.");
  return target;
}

export interface ScriptOptions {
  readonly seed: number;
  /** Counted from 0. */
  readonly index: number;
  readonly members: number;
  /** Whether this database's server may be restarted. */
  readonly mayRestart: boolean;
}

const CRASHES = 6;
/** Customers of an approach's own. */
const GUESTS = 3;

/** The same seed and index give the same script. */
export function writeScript({ seed, index, members, mayRestart }: ScriptOptions): Script {
  const random = randomFrom(seed, "scenario", index);
  const customers = 4 + random.below(3);
  const crashes = Array.from({ length: CRASHES }, (_, place) => targetAt(seed, index * CRASHES + place));
  const life = (): Timed => ({ step: lifeStep(random, customers), beside: random.chance(0.5) });
  const trouble = (): Timed => troubleStep(random, members, mayRestart);
  const some = (most: number, step: () => Timed): Timed[] => Array.from({ length: 1 + random.below(most) }, step);
  const steps = crashes.flatMap((crash, place): readonly Timed[] => [
    ...some(3, life),
    ...some(3, trouble),
    ...crashSteps(crash, customers + GUESTS * place),
    { step: passing((1 + random.below(4)) * 30 * MINUTE), beside: false },
  ]);
  const start = Array.from(
    { length: customers },
    (_, who): Timed => ({ step: anyPurchase(random, who), beside: true }),
  );
  const day = random.chance(0.6) ? 28 : 1 + random.below(26);
  const all = customers + GUESTS * CRASHES;
  return { id: `${seed}.${index}`, crashes, customers: all, day, steps: [...start, ...steps, ...lastOutage(random)] };
}

function crashSteps(crash: Crash, firstGuest: number): readonly Timed[] {
  const { to = [], act = [], after = [] } = approaches[crash.point] ?? anything;
  const alone = (step: Step): Timed => ({ step, beside: false });
  return [...to, { do: "crash", crash } as const, ...act, meeting, ...after].map((step) =>
    alone("who" in step ? { ...step, who: step.who + firstGuest } : step),
  );
}

const lastOutage = (random: Random): readonly Timed[] =>
  random.chance(0.5) ? [{ step: outage(random.pick(outages)), beside: false }] : [];

/** A short scenario: three purchases, lost answers, these crashes, a renewal and two ends, of which nobody tells us one. */
export function briefScript(seed: number, crashes: readonly Crash[]): Script {
  const start = [buy(0, {}), buy(1, { product: 2, quantity: 5 }), buy(2, { generation: "legacy" })];
  const alone = (step: Step): Timed => ({ step, beside: false });
  const steps = crashes.flatMap((crash) => [{ do: "crash", crash } as const, meeting].map(alone));
  const lost = faults({ aws_drop_answer: { times: 2 }, aws_unprocessed: { value: 1, times: 4 } });
  const last = [change(1, "renew"), ...poison.slice(2), ...cured.slice(0, 1), change(2, "cancel"), passing(HOUR)];
  return {
    id: `${seed}.brief`,
    crashes,
    customers: start.length,
    day: 28,
    steps: [...start, lost, passing(HOUR)].map(alone).concat(steps, last.map(alone)),
  };
}

function anyPurchase(random: Random, who: number): Step {
  return buy(who, {
    product: random.pick([0, 0, 1, 2, 2]),
    generation: random.chance(0.6) ? "licence" : "legacy",
    registers: random.pick(["then", "then", "then", "first", "later"]),
    quantity: random.pick([0, 1, 25, 500, 20_000]),
    trial: random.chance(0.2),
  });
}

function lifeStep(random: Random, customers: number): Step {
  const who = random.below(customers);
  return random.pick<() => Step>([
    () => anyPurchase(random, who),
    () => change(who, "renew"),
    () => change(who, "renew", { quantities: { requests: random.below(900) } }),
    () => change(who, "replace"),
    () => change(who, "amend", { quantities: { requests: random.below(900), documents: random.below(90) } }),
    () => change(who, "cancel"),
    () => change(who, random.pick(["expire", "terminate"])),
    () => change(who, "resubscribe"),
    () => change(who, "resubscribe"),
    () => change(who, "register"),
    () => change(who, "move"),
    () => change(who, random.pick(["suspend", "restore"])),
  ])();
}

function troubleStep(random: Random, members: number, mayRestart: boolean): Timed {
  const member = random.below(members);
  const step = random.pick<() => Step>([
    () => faults(metering(random)),
    () => faults(metering(random)),
    () => faults(events(random)),
    () => faults({ [random.pick(["aws_entitlements_down", "aws_agreements_down"])]: { times: 1 + random.below(8) } }),
    () => faults({ aws_repeat_is_duplicate: random.pick([true, null]) }),
    () => ({ do: "kill", member, afterMs: random.below(900) }),
    () => ({ do: "kill", member, afterMs: random.below(900) }),
    () => ({ do: "freeze", member }),
    () => (mayRestart ? { do: "restart database" } : { do: "end connections" }),
    () => ({ do: "end connections" }),
    () => ({ do: "replay" }),
    () => ({ do: "delivery", queue: random.chance(0.5) }),
  ])();
  return { step, beside: step.do === "kill" || step.do === "freeze" };
}

const metering = (random: Random): object =>
  random.pick([
    { aws_throttle: { times: 1 + random.below(6) } },
    { aws_error_before: { times: 1 + random.below(4) } },
    { aws_error_after: { times: 1 + random.below(4) } },
    { aws_drop_answer: { times: 1 + random.below(4) } },
    { aws_hang: { value: 500 + random.below(1_000), times: 1 } },
    { aws_unprocessed: { value: 1 + random.below(3), times: 1 + random.below(4) } },
    { aws_unprocessed: { value: 25, times: 1 } },
  ]);

const events = (random: Random): object =>
  random.pick([
    { aws_drop_events: { times: 1 + random.below(2) } },
    { aws_delay_events: { value: random.below(40) * MINUTE, times: 1 } },
    { aws_repeat_events: { value: 2 + random.below(3), times: 2 } },
    { aws_reorder_events: { times: 1 } },
    { aws_empty_pages: { value: 2, times: 2 } },
  ]);
