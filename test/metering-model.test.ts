/**
 * The protocol of reporting as it is built, small enough to try everything: two workers, two hours, events that come late,
 * requests that are dropped, applied and answered late, workers that stop, leases that end, records that expire.
 */

type Verdict = "" | "billed" | "before" | "conflict" | "carried" | "unknown";

/** Of one hour. */
interface Hour {
  /** Events whose billed hour it is. */
  readonly events: number;
  /** -1 until it is frozen. */
  readonly units: number;
  /** Attempts without a definite answer. Three stands for more as well. */
  readonly unknown: number;
  /** The worker that holds the lease, or -1. */
  readonly lease: number;
  readonly verdict: Verdict;
  /** What the marketplace bills, or -1. */
  readonly held: number;
}

/** What a worker does: nothing, or one call for one hour; sent or not yet. */
interface Worker {
  readonly hour: number;
  readonly units: number;
  /** Attempts without a definite answer, as it was when it claimed. */
  readonly unknown: number;
  readonly sent: boolean;
}

/** A request under way; `from` waits for its answer, or has gone (-1). */
interface Request {
  readonly hour: number;
  readonly units: number;
  readonly from: number;
}

interface State {
  /** Events that have not come yet. */
  readonly coming: number;
  /** Hours below this one take no more events. */
  readonly gate: number;
  readonly hours: readonly Hour[];
  readonly workers: readonly (Worker | null)[];
  readonly requests: readonly Request[];
  /** Whether a repeat is answered "I hold another" though it is the same. */
  readonly strict: boolean;
  /** Whether deadlines pass. Where they do not, every hour must be able to reach its end by being billed. */
  readonly expires: boolean;
}

type Fault = "sums again" | "settles before" | "remembers attempts" | "duplicate is an error" | "carries the unknown";

const HOURS = 2;
const MOST_REQUESTS = 2;
const MANY = 3;

function replaced<T>(list: readonly T[], index: number, change: Partial<T>): readonly T[] {
  const changed = [...list];
  changed[index] = { ...(list[index] as T), ...change };
  return changed;
}

const hourOf = (state: State, index: number): Hour => state.hours[index] as Hour;
const withHour = (state: State, index: number, change: Partial<Hour>): State => ({
  ...state,
  hours: replaced(state.hours, index, change),
});
const withWorker = (state: State, index: number, worker: Worker | null): State => ({
  ...state,
  workers: state.workers.map((one, at) => (at === index ? worker : one)),
});

function nextStates(state: State, fault?: Fault): State[] {
  return [
    ...arrivals(state, fault),
    ...sealing(state),
    ...state.hours.flatMap((_, hour) => endings(state, hour, fault)),
    ...state.workers.flatMap((_, worker) => working(state, worker, fault)),
    ...state.requests.flatMap((_, request) => travelling(state, request, fault)),
  ];
}

/** An event of either hour comes; one of an hour that is sealed counts in the next that is open. */
function arrivals(state: State, fault?: Fault): State[] {
  if (state.coming === 0) return [];
  return [0, 1].map((own) => {
    const hour = fault === "sums again" ? own : Math.max(own, state.gate);
    return withHour({ ...state, coming: state.coming - 1 }, hour, { events: hourOf(state, hour).events + 1 });
  });
}

/** The gate moves; or an hour behind it is frozen, some time later. The last hour stays open. */
function sealing(state: State): State[] {
  const moved = state.gate < HOURS ? [{ ...state, gate: state.gate + 1 }] : [];
  const frozen = state.hours.flatMap(({ events, units }, hour) =>
    hour < state.gate && units < 0 && events > 0 ? [withHour(state, hour, { units: events })] : [],
  );
  return [...moved, ...frozen];
}

/** A lease ends; or the deadline passes while nobody holds one. */
function endings(state: State, hour: number, fault?: Fault): State[] {
  const { units, lease, verdict, unknown } = hourOf(state, hour);
  if (units < 0 || verdict !== "") return [];
  if (lease >= 0) return [withHour(state, hour, { lease: -1 })];
  if (!state.expires) return [];
  const clean = unknown === 0 || fault === "carries the unknown";
  return [withHour(state, hour, { verdict: clean ? "carried" : "unknown" })];
}

/** A worker claims an hour, sends its request, or stops: the request, if any, travels on. */
function working(state: State, worker: number, fault?: Fault): State[] {
  const busy = state.workers[worker];
  if (!busy) return state.hours.flatMap((_, hour) => claims(state, worker, hour, fault));
  const requests = state.requests.map((one) => (one.from === worker ? { ...one, from: -1 } : one));
  const stopped = withWorker({ ...state, requests }, worker, null);
  if (busy.sent || state.requests.length >= MOST_REQUESTS) return [stopped];
  const units = fault === "sums again" ? hourOf(state, busy.hour).events : busy.units;
  const sent = withWorker(
    { ...state, requests: [...state.requests, { hour: busy.hour, units, from: worker }] },
    worker,
    { ...busy, sent: true },
  );
  return [stopped, sent];
}

function claims(state: State, worker: number, hour: number, fault?: Fault): State[] {
  const { units, lease, verdict, unknown: before } = hourOf(state, hour);
  if (units < 0 || lease >= 0 || verdict !== "") return [];
  const unknown = Math.min(before + 1, MANY);
  const settled: Partial<Hour> = fault === "settles before" ? { verdict: "billed" } : {};
  const claimed = withHour(state, hour, { unknown, lease: worker, ...settled });
  return [withWorker(claimed, worker, { hour, units, unknown, sent: false })];
}

/** A request is dropped, not processed, or applied: the first quantity of an hour stays. Its answer comes, or is lost. */
function travelling(state: State, index: number, fault?: Fault): State[] {
  const request = state.requests[index] as Request;
  const without = { ...state, requests: state.requests.filter((_, at) => at !== index) };
  const { held } = hourOf(state, request.hour);
  const applied = held < 0 ? withHour(without, request.hour, { held: request.units }) : without;
  const same = held < 0 || (held === request.units && !state.strict);
  const silent = (next: State) => (request.from < 0 ? next : withWorker(next, request.from, null));
  const answered = (next: State, answer: Answer) =>
    request.from < 0 ? next : settled(next, request.from, request.hour, answer, fault);
  return [
    silent(without),
    silent(applied),
    answered(without, "untaken"),
    answered(applied, same ? "billed" : "held another"),
  ];
}

type Answer = "billed" | "held another" | "untaken";

/** The answer is written down, if the lease is still the worker's. */
function settled(state: State, worker: number, index: number, answer: Answer, fault?: Fault): State {
  const free = withWorker(state, worker, null);
  const hour = hourOf(state, index);
  // Whoever goes by its memory does not look whether it still holds the lease.
  if ((hour.lease !== worker && fault !== "remembers attempts") || (hour.verdict !== "" && fault !== "settles before"))
    return free;
  if (answer === "untaken") return withHour(free, index, { lease: -1, unknown: fewer(hour.unknown) });
  if (answer === "billed") return withHour(free, index, { lease: -1, verdict: "billed" });
  if (fault === "duplicate is an error") return withHour(free, index, { lease: -1 });
  const unknown = fault === "remembers attempts" ? (state.workers[worker]?.unknown ?? 0) : hour.unknown;
  return withHour(free, index, { lease: -1, verdict: unknown > 1 ? "before" : "conflict" });
}

/** Of many, one less may still be many. */
const fewer = (unknown: number): number => (unknown === MANY ? MANY : unknown - 1);

/** What is wrong with a state, if anything. */
function wrong({ hours, requests }: State): string | undefined {
  for (const [index, { units, held, verdict }] of hours.entries()) {
    if (held >= 0 && held !== units) return "billed what is not on the record";
    if ((verdict === "billed" || verdict === "before") && held !== units) return "settled but not billed";
    if (verdict === "conflict") return "a conflict with nobody";
    const mayLand = held >= 0 || requests.some(({ hour }) => hour === index);
    if (verdict === "carried" && mayLand) return "carried over and billed";
  }
  return undefined;
}

function isSettled({ coming, hours }: State): boolean {
  return coming === 0 && hours.slice(0, HOURS).every(({ events, verdict }) => events === 0 || verdict !== "");
}

const verdicts: readonly Verdict[] = ["", "billed", "before", "conflict", "carried", "unknown"];

/** One number for each part, one after the other: the same text for the same state, and quickly made. */
function textOf({ coming, gate, hours, workers, requests, strict, expires }: State): string {
  let text = `${coming}${gate}${strict ? 1 : 0}${expires ? 1 : 0}`;
  for (const { events, units, unknown, lease, verdict, held } of hours) {
    text += `${events}${units + 1}${unknown}${lease + 1}${verdicts.indexOf(verdict)}${held + 1}`;
  }
  for (const one of workers) text += one ? `${one.hour}${one.units}${one.unknown}${one.sent ? 1 : 0}` : "-";
  const [first, second] = requests.map(({ hour, units, from }) => `${hour}${units}${from + 1}`);
  if (first === undefined || second === undefined) return `${text}|${first ?? ""}`;
  return first < second ? `${text}|${first}${second}` : `${text}|${second}${first}`;
}

interface Searched {
  readonly states: number;
  readonly fault: string | undefined;
  /** States from which no way leads to the end. */
  readonly stuck: number;
}

function search(events: number, expires: boolean, fault?: Fault): Searched {
  const empty = { events: 0, units: -1, unknown: 0, lease: -1, verdict: "", held: -1 } as const;
  const start = { coming: events, gate: 0, hours: Array(HOURS + 1).fill(empty), workers: [null, null], requests: [] };
  const numbers = new Map<string, number>();
  const states: State[] = [];
  const before: number[][] = [];
  const numberOf = (state: State): number => {
    const text = textOf(state);
    const known = numbers.get(text);
    if (known !== undefined) return known;
    numbers.set(text, states.length);
    states.push(state);
    before.push([]);
    return states.length - 1;
  };
  for (const strict of [false, true]) numberOf({ ...start, strict, expires });
  for (let at = 0; at < states.length; at += 1) {
    const state = states[at] as State;
    const found = wrong(state);
    if (found !== undefined) return { states: states.length, fault: found, stuck: 0 };
    for (const next of nextStates(state, fault)) before[numberOf(next)]?.push(at);
  }
  return { states: states.length, fault: undefined, stuck: states.length - reaching(states, before) };
}

/** From how many states a way leads to one in which everything is settled. */
function reaching(states: readonly State[], before: readonly (readonly number[])[]): number {
  const reached = new Set(states.flatMap((state, at) => (isSettled(state) ? [at] : [])));
  const open = [...reached];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const earlier of before[at] ?? []) {
      if (reached.has(earlier)) continue;
      reached.add(earlier);
      open.push(earlier);
    }
  }
  return reached.size;
}

describe("the protocol, in every order of everything", () => {
  test("bills what is on the record or nothing, settles soundly, carries cleanly, and always has a way to the end", () => {
    for (const expires of [true, false]) {
      const searched = search(2, expires);
      expect(searched).toMatchObject({ fault: undefined, stuck: 0 });
      expect(searched.states).toBeGreaterThan(10_000);
    }
  });

  test.each<[Fault, string]>([
    ["sums again", "billed what is not on the record"],
    ["settles before", "settled but not billed"],
    ["remembers attempts", "a conflict with nobody"],
    ["carries the unknown", "carried over and billed"],
  ])("is caught when it %s", (fault, says) => {
    expect(search(2, true, fault).fault).toBe(says);
  });

  test("gets stuck when a duplicate is an error", () => {
    const searched = search(1, false, "duplicate is an error");
    expect(searched.fault).toBeUndefined();
    expect(searched.stuck).toBeGreaterThan(0);
  });
});
