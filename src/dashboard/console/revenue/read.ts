import { type Catalog, findPlan } from "../../../catalog/catalog.ts";
import type { OperatorStore } from "../../../isolation/isolation.ts";
import { monthOf } from "../../../metering/read.ts";
import { priceOf } from "../money.ts";

interface CountJson {
  readonly marketplace: string;
  readonly plan: string;
  readonly active: number;
  readonly trials: number;
  readonly ending: number;
  readonly ended: number;
}

interface RevenueJson {
  /** When tenants were counted last; null before the first time. */
  readonly counted_at: string | null;
  /** Up to when usage is in the sums. */
  readonly through: string | null;
  readonly lines: readonly CountJson[];
  readonly days: readonly { readonly day: string; readonly plan: string; readonly active: number }[];
  readonly used: readonly {
    readonly marketplace: string;
    readonly plan: string;
    readonly dimension: string;
    readonly quantity: string;
  }[];
}

/** What the purchases of one plan on one marketplace come to; cents are undefined where no price is known. */
export interface RevenueLine extends CountJson {
  readonly recurring: number | undefined;
  readonly metered: number | undefined;
}

export interface Revenue {
  readonly countedAt: string | null;
  readonly through: string | null;
  readonly lines: readonly RevenueLine[];
  /** What recurred in a month, as it was counted on each day, at the prices of now. */
  readonly days: readonly { readonly day: string; readonly recurring: number }[];
}

const DAYS_MS = 90 * 86_400_000;

/** One call, of small tables that the worker keeps: however many tenants there are. */
export async function readRevenue(store: OperatorStore, catalog: Catalog): Promise<Revenue> {
  const { at: now } = store.operator;
  const [row] = await store.throughDoor<{ read: RevenueJson }>({
    text: "select console_revenue($1, $2) as read",
    values: [new Date(now.getTime() - DAYS_MS), monthOf(now)],
    repeatable: true,
  });
  if (row === undefined) throw new Error("console_revenue gave no row.");
  const { counted_at: countedAt, through, lines, days, used } = row.read;
  const perDay = new Map<string, number>();
  for (const { day, plan, active } of days) {
    perDay.set(day, (perDay.get(day) ?? 0) + (recurringOf(catalog, plan, active) ?? 0));
  }
  return {
    countedAt,
    through,
    lines: lines.map((line) => ({
      ...line,
      recurring: recurringOf(catalog, line.plan, line.active),
      metered: meteredOf(
        catalog,
        used.filter(({ marketplace, plan }) => marketplace === line.marketplace && plan === line.plan),
      ),
    })),
    days: [...perDay].map(([day, recurring]) => ({ day, recurring })),
  };
}

/** In a month, also where the plan is paid by the year. */
function recurringOf(catalog: Catalog, plan: string, active: number): number | undefined {
  const price = findPlan(catalog, plan)?.price;
  return price && (active * price.cents) / (price.unit === "year" ? 12 : 1);
}

function meteredOf(catalog: Catalog, used: RevenueJson["used"]): number | undefined {
  const priced = used.flatMap(({ dimension, quantity }) => priceOf(catalog, dimension, Number(quantity)) ?? []);
  return priced.length === 0 ? undefined : priced.reduce((sum, cents) => sum + cents, 0);
}
