import type { Random } from "../random.ts";

/** A usage event as it is sent. */
export interface Item {
  readonly id: string;
  readonly tenant: string;
  readonly dimension: string;
  readonly quantity: string | number;
  readonly time?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** An event with what is known of it. */
export interface Sent {
  readonly item: Item;
  readonly madeAt: number;
  /** Why it may be refused. */
  readonly mayRefuse: ReadonlySet<string>;
  /** Sent on purpose under the id of another one, with other content: it must not be accepted. */
  readonly isForeign: boolean;
  tries: number;
  answer: "accepted" | "refused" | undefined;
}

interface Making {
  readonly random: Random;
  readonly now: Date;
  readonly number: number;
  readonly known: readonly Sent[];
  readonly tenant: string;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Ids are known for eight days; a repeat of an older one proves nothing. */
const REPEATED_FOR_MS = 4 * DAY_MS;
const ENDED = "usage_closed";

/** Something a product would send, or should not. */
export function itemFor(making: Making): Sent {
  const { random, known, now } = making;
  const settled = known.filter(
    ({ answer, madeAt }) => answer === "accepted" && now.getTime() - madeAt < REPEATED_FOR_MS,
  );
  if (settled.length > 0 && random.chance(0.12)) return repeatOf(random, random.pick(settled));
  return newItem(making);
}

function repeatOf(random: Random, before: Sent): Sent {
  if (random.chance(0.6)) return before;
  const item = { ...before.item, quantity: "123456.5" };
  return {
    item,
    madeAt: before.madeAt,
    mayRefuse: new Set(["usage_conflict"]),
    isForeign: true,
    tries: 0,
    answer: undefined,
  };
}

function newItem({ random, now, number, tenant }: Making): Sent {
  const strange = random.chance(0.04) ? random.pick(strangers) : undefined;
  const time = strange?.late ?? timeOf(random);
  const item: Item = {
    id: `event-${number}`,
    tenant,
    dimension: strange?.dimension ?? random.pick(["requests", "requests", "documents"]),
    quantity: strange?.quantity ?? quantityOf(random),
    ...(time === undefined ? {} : { time: new Date(now.getTime() - time).toISOString() }),
    ...(random.chance(0.15) ? { tags: tagsOf(random) } : {}),
  };
  // Its answer may come after the clock was turned far, or from a process that has just begun to follow the clock.
  const untimely = time === undefined ? [] : ["usage_late", "usage_early"];
  const mayRefuse = new Set([ENDED, ...untimely, ...(strange?.codes ?? [])]);
  return { item, madeAt: now.getTime(), mayRefuse, isForeign: false, tries: 0, answer: undefined };
}

/** How long ago it happened; undefined when nothing is said of it. */
function timeOf(random: Random): number | undefined {
  if (random.chance(0.3)) return undefined;
  if (random.chance(0.7)) return random.below(10) * 60_000;
  return random.chance(0.6) ? random.below(5 * HOUR_MS) : random.below(6 * DAY_MS);
}

function quantityOf(random: Random): string | number {
  return random.pick<() => string | number>([
    () => 1 + random.below(20),
    () => 1 + random.below(20),
    () => String(random.below(1_000)),
    () => `0.${1 + random.below(9)}`,
    () => `${random.below(3)}.${String(random.below(1_000_000)).padStart(6, "0")}`,
    () => 0,
    () => (random.chance(0.1) ? 3_000_000_000 + random.below(1_000_000) : 7),
  ])();
}

const tagsOf = (random: Random): Readonly<Record<string, string>> =>
  random.pick<Readonly<Record<string, string>>>([
    { team: random.pick(["blue", "red"]) },
    { team: "red", stage: random.pick(["test", "live"]) },
    { "not a tag!": "ünfit" },
    { a: "1", b: "2", c: "3", d: "4", e: random.pick(["5", "6"]) },
    { f: "7" },
  ]);

interface Stranger {
  readonly dimension?: string;
  readonly quantity?: string | number;
  readonly late?: number;
  readonly codes: readonly string[];
}

const strangers: readonly Stranger[] = [
  { dimension: "no-such-dimension", codes: ["usage_unknown_dimension"] },
  { quantity: "-1", codes: ["usage_malformed"] },
  { quantity: "1e3", codes: ["usage_malformed"] },
  { quantity: "9".repeat(30), codes: ["usage_malformed"] },
  { late: 8 * DAY_MS, codes: ["usage_late"] },
  { late: -30 * 60_000, codes: ["usage_early"] },
];
