import type { Catalog } from "../../../catalog/catalog.ts";
import { ProviderError } from "../../../errors.ts";
import type { OperatorStore } from "../../../isolation/isolation.ts";
import { monthOf } from "../../../metering/read.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Cohorts of so many months, with this one. */
const MONTHS = 12;
const TOPS = 20;
const LINES = 50_000;

/** How far the pictures go back, and in which steps. */
export const ranges = {
  "48h": { words: "48 hours", step: "hour", bin: "hour", count: 48 },
  "30d": { words: "30 days", step: "day", bin: "day", count: 30 },
  "12m": { words: "12 months", step: "day", bin: "month", count: 12 },
} as const;
export type Range = keyof typeof ranges;

/** What each picture is of. */
export const splits = { marketplace: "Marketplace", plan: "Plan", dimension: "Dimension" } as const;
export type Split = keyof typeof splits;

export interface Wanted {
  readonly range: Range;
  readonly by: Split;
  /** Undefined where nothing is metered. */
  readonly dimension: string | undefined;
}

export interface UsagePictures {
  /** Everything before is in the sums; null before the first. */
  readonly through: string | null;
  readonly tops_at: string | null;
  readonly counted_at: string | null;
  readonly sums: readonly { readonly at: string; readonly part: string; readonly quantity: string }[];
  readonly tops: readonly TopTenant[];
  readonly months: readonly Cohort[];
}

export interface TopTenant {
  readonly tenant: string;
  readonly name: string;
  readonly marketplace: string;
  readonly plan: string;
  readonly quantity: string;
}

export interface Cohort {
  readonly month: string;
  readonly bought: number;
  readonly active: number;
}

/** What an address asks for. `request_malformed` for what no page of ours links to. */
export function wantedIn(query: Readonly<Record<string, unknown>>, catalog: Catalog): Wanted {
  const { range = "30d", by = "marketplace", dimension = catalog.dimensions[0]?.id } = query;
  if (!isKey(ranges, range)) throw malformed("There is no such range.");
  if (!isKey(splits, by)) throw malformed("Usage cannot be taken apart by that.");
  if (dimension === undefined) return { range, by, dimension };
  const known = catalog.dimensions.find(({ id }) => id === dimension);
  if (known === undefined) throw malformed("There is no such dimension.");
  return { range, by, dimension: known.id };
}

function isKey<Words extends object>(words: Words, text: unknown): text is keyof Words {
  return typeof text === "string" && Object.hasOwn(words, text);
}

const malformed = (message: string) => new ProviderError("request_malformed", message);

/** The beginnings of the steps of a range, oldest first; the running one is the last. */
export function stepsOf(range: Range, now: Date): readonly Date[] {
  const { bin, count } = ranges[range];
  return Array.from({ length: count }, (_, n) => beginning(bin, now, count - 1 - n));
}

/** The step that began so many before the running one. */
function beginning(bin: "hour" | "day" | "month", now: Date, before: number): Date {
  if (bin === "month") return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - before));
  const ms = bin === "hour" ? HOUR_MS : DAY_MS;
  return new Date((Math.floor(now.getTime() / ms) - before) * ms);
}

export const cohortMonths = (now: Date): readonly Date[] =>
  Array.from({ length: MONTHS }, (_, n) => beginning("month", now, MONTHS - 1 - n));

export async function readPictures(store: OperatorStore, { range, by, dimension }: Wanted): Promise<UsagePictures> {
  const { at: now } = store.operator;
  const asked = { ...spanOf(range, now), by, dimension, month: monthOf(now), since: cohortMonths(now)[0] };
  const [row] = await store.throughDoor<{ read: UsagePictures }>({
    text: "select console_usage($1, $2) as read",
    values: [JSON.stringify(asked), TOPS],
  });
  if (row === undefined) throw new Error("console_usage gave no row.");
  return row.read;
}

export interface UsageLine {
  readonly at: string;
  readonly marketplace: string;
  readonly plan: string;
  readonly dimension: string;
  readonly quantity: string;
  readonly events: string;
}

/** The sums behind all pictures of a range, at most 50,000. */
export function readLines(store: OperatorStore, range: Range): Promise<UsageLine[]> {
  return store.throughDoor<UsageLine>({
    text: "select * from console_usage_lines($1, $2)",
    values: [JSON.stringify(spanOf(range, store.operator.at)), LINES],
  });
}

function spanOf(range: Range, now: Date) {
  const { step, bin } = ranges[range];
  return { step, bin, from: stepsOf(range, now)[0] };
}
