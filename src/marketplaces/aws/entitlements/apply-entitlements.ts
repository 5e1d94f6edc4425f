import type { Catalog } from "../../../catalog/catalog.ts";
import type { Entitlement } from "../api/entitlements.ts";

/** A product of the listing, as far as it says what an entitlement means. */
export interface EntitledProduct {
  readonly model: "subscription" | "contract" | "contract-with-consumption";
  /** What a buyer has whose entitlements name no plan. */
  readonly plan: string;
  readonly dimensions?: readonly MeaningOf[] | undefined;
}

interface MeaningOf {
  /** AWS's name of the dimension. */
  readonly code: string;
  readonly dimension?: string | undefined;
  readonly limit?: string | undefined;
  readonly plan?: string | undefined;
}

export interface EntitledLicence {
  /** Absent for the legacy generation, whose entitlements are all of one agreement. */
  readonly arn?: string | undefined;
  readonly startedAt: Date;
  /** When the agreement ends, if it does. */
  readonly endsAt?: Date | undefined;
}

/** What a contract includes of one dimension of the catalog in a period. */
export interface Included {
  readonly dimension: string;
  readonly from: Date;
  readonly until: Date;
  readonly quantity: number;
}

export interface Granted {
  /** False when a contract has ended: AWS then answers with nothing. */
  readonly held: boolean;
  readonly plan: string;
  /** Where they differ from the plan's. */
  readonly limits: Readonly<Record<string, number>>;
  readonly included: readonly Included[];
  /** All of it holds at least until then. */
  readonly until?: Date;
}

interface Question {
  readonly catalog: Pick<Catalog, "plans" | "dimensions">;
  readonly product: EntitledProduct;
  readonly licence: EntitledLicence;
  readonly entitlements: readonly Entitlement[];
  /** What was included before, so that an amendment goes on in its period and a renewal begins one. */
  readonly previous?: readonly Included[];
  readonly now: Date;
}

/** A contract that AWS gives no end is included in one period. */
const NEVER = new Date("9999-01-01T00:00:00Z");

/**
 * What entitlements come to, as a plan, limits and included quantities. A subscription has none and is held as long as
 * its licence. In a contract a quantity is a limit; in a contract with consumption it is included, and more is metered.
 * An entitlement past its date counts: AWS extends it at a renewal and takes it out of the answer at an end.
 */
export function applyEntitlements(question: Question): Granted {
  const { catalog, product, licence, now } = question;
  if (product.model === "subscription") return { held: true, plan: product.plan, limits: {}, included: [] };
  const mine = question.entitlements.filter(
    ({ licenceArn }) => !licenceArn || !licence.arn || licenceArn === licence.arn,
  );
  const items = mine.map((entitlement) => readItem(question, entitlement)).filter(({ quantity }) => quantity > 0);
  if (items.length === 0) return { held: false, plan: product.plan, limits: {}, included: [] };
  const until = earliest(items.map(({ expiresAt }) => expiresAt).filter((date) => date !== undefined && date > now));
  return {
    held: true,
    plan:
      highest(
        catalog,
        items.flatMap(({ plan }) => plan ?? []),
      ) ?? product.plan,
    limits: sums(items, ({ limit }) => limit),
    included: includedIn(question, items),
    ...(until === undefined ? {} : { until }),
  };
}

interface Item {
  readonly quantity: number;
  readonly plan: string | undefined;
  readonly limit: string | undefined;
  readonly included: string | undefined;
  readonly expiresAt: Date | undefined;
}

function readItem({ catalog, product }: Question, { dimension: code, value, expiresAt }: Entitlement): Item {
  const said = product.dimensions?.find((one) => one.code === code);
  const dimension = said?.dimension ?? catalog.dimensions.find(({ id, codes }) => (codes["aws"] ?? id) === code)?.id;
  const consumed = product.model === "contract-with-consumption";
  return {
    quantity: quantityOf(value),
    plan: said?.plan ?? planNamed(catalog, value) ?? planNamed(catalog, code),
    limit: said?.limit ?? (consumed ? undefined : dimension),
    included: consumed ? dimension : undefined,
    expiresAt,
  };
}

function planNamed({ plans }: Question["catalog"], name: unknown): string | undefined {
  return plans.find(({ id, codes }) => name === (codes["aws"] ?? id))?.id;
}

/** Having something is a quantity of one. A text that is no number is had. */
function quantityOf(value: Entitlement["value"]): number {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value === undefined || value === "") return 0;
  const number = Number(value);
  return Number.isNaN(number) ? 1 : Math.max(0, number);
}

/** Of several plans the one that the catalog names last. */
function highest({ plans }: Question["catalog"], ids: readonly string[]): string | undefined {
  return plans.findLast(({ id }) => ids.includes(id))?.id;
}

function sums(items: readonly Item[], nameOf: (item: Item) => string | undefined): Record<string, number> {
  const totals = new Map<string, number>();
  for (const item of items) {
    const name = nameOf(item);
    if (name !== undefined) totals.set(name, (totals.get(name) ?? 0) + item.quantity);
  }
  return Object.fromEntries(totals);
}

function includedIn(question: Question, items: readonly Item[]): Included[] {
  const { licence } = question;
  return Object.entries(sums(items, ({ included }) => included)).map(([dimension, quantity]) => {
    const ends = items.flatMap(({ included, expiresAt }) => (included === dimension && expiresAt ? [expiresAt] : []));
    const until = earliest(ends) ?? licence.endsAt ?? NEVER;
    return { dimension, from: beginningOf(question, dimension, until), until, quantity };
  });
}

/** A date that moves on before it is reached is an amendment of the same period; one that was reached, a renewal. */
function beginningOf({ licence, previous = [], now }: Question, dimension: string, until: Date): Date {
  const before = previous
    .filter((one) => one.dimension === dimension)
    .toSorted((one, other) => one.until.getTime() - other.until.getTime())
    .at(-1);
  if (before === undefined) return licence.startedAt;
  return until > before.until && now >= before.until ? before.until : before.from;
}

function earliest(dates: readonly (Date | undefined)[]): Date | undefined {
  const times = dates.flatMap((date) => (date === undefined ? [] : [date.getTime()]));
  return times.length === 0 ? undefined : new Date(Math.min(...times));
}
