import { type Catalog, currencyOf, findPlan } from "../../catalog/catalog.ts";
import { readManifestFile } from "../../compose.ts";
import type { OperatorStore } from "../../isolation/isolation.ts";
import { addDecimals, quotient } from "./decimals.ts";
import { type Cursor, type Line, pageOf, type Span, type Step, type Subject, shareBefore } from "./subject.ts";

/** Their usage of a month is summed in one step. */
const TENANTS = 500;
const MONTHS = 12;

const summed = ["tenants", "billed", "waiting", "lost", "seconds"] as const;
type Sums = Readonly<Record<(typeof summed)[number], string>>;
type Part = Sums & { readonly marketplace: string; readonly plan: string; readonly dimension: string };

/**
 * One line for each month, marketplace, plan and dimension, and one without a dimension for the price of the plan. What a
 * tenant did is counted under the plan it has now, so all of it is an estimate.
 */
export const revenue: Subject = {
  columns: [
    { name: "month", type: "text" },
    { name: "marketplace", type: "text" },
    { name: "plan", type: "text" },
    { name: "dimension", type: "text" },
    { name: "tenants", type: "integer" },
    { name: "units_billed", type: "decimal" },
    { name: "units_waiting", type: "decimal" },
    { name: "units_lost", type: "decimal" },
    { name: "tenant_months", type: "decimal" },
    { name: "estimate", type: "decimal" },
    { name: "currency", type: "text" },
  ],
  usualSpan: (now) => ({ from: new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - MONTHS + 1)), to: now }),
  steps,
};

/** The cursor holds where the walk is in which month, and the sums of that month so far. */
interface Place {
  readonly month: number;
  readonly after: Cursor | null;
  readonly sums: Readonly<Record<string, Part>>;
}

async function* steps(store: OperatorStore, span: Span, cursor: Cursor | null): AsyncGenerator<Step> {
  const { catalog } = await readManifestFile();
  const months = monthsOf(span);
  let place = (cursor as Place | null) ?? { month: 0, after: null, sums: {} };
  for (let month = months[place.month]; month !== undefined; month = months[place.month]) {
    const { rows, after } = await pageOf<Part>(store, "export_revenue", { ...month, after: place.after }, TENANTS);
    const sums = added(place.sums, rows);
    const lines = after === null ? linesOf(month, sums, catalog) : [];
    place = after === null ? { month: place.month + 1, after, sums: {} } : { ...place, after, sums };
    const share = (place.month + (after === null ? 0 : shareBefore(after["tenant"]))) / months.length;
    yield { lines, cursor: place.month === months.length ? null : { ...place }, share };
  }
}

/** The calendar months (UTC) that the span touches, each as far as it does. */
function monthsOf({ from, to }: Span): readonly Span[] {
  const months: Span[] = [];
  for (let at = from; at < to; ) {
    const next = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1));
    months.push({ from: at, to: next < to ? next : to });
    at = next;
  }
  return months;
}

function added(sums: Place["sums"], parts: readonly Part[]): Place["sums"] {
  const all: Record<string, Part> = { ...sums };
  for (const part of parts) {
    const key = JSON.stringify([part.marketplace, part.plan, part.dimension]);
    const before = all[key];
    const both = summed.map((name) => [name, addDecimals(before?.[name] ?? "0", part[name])] as const);
    all[key] = { ...part, ...Object.fromEntries(both) };
  }
  return all;
}

function linesOf({ from }: Span, sums: Place["sums"], catalog: Catalog): readonly Line[] {
  const monthSeconds = (Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + 1) - startOfMonth(from)) / 1_000;
  return Object.keys(sums)
    .sort()
    .flatMap((key) => sums[key] ?? [])
    .map((part) => {
      const plan = {
        tenant_months: quotient(part.seconds, monthSeconds, 6),
        ...estimateOf(part, monthSeconds, catalog),
      };
      const used = { units_billed: part.billed, units_waiting: part.waiting, units_lost: part.lost };
      return {
        month: from.toISOString().slice(0, 7),
        ...{ marketplace: part.marketplace, plan: part.plan, dimension: part.dimension, tenants: part.tenants },
        ...(part.dimension === "" ? plan : used),
      };
    });
}

const startOfMonth = (at: Date): number => Date.UTC(at.getUTCFullYear(), at.getUTCMonth());

/** What the plan's price comes to for the time it was held; nothing for a plan that is no longer sold. */
function estimateOf({ plan, seconds }: Part, monthSeconds: number, catalog: Catalog): Line {
  const price = findPlan(catalog, plan)?.price;
  if (price === undefined) return {};
  const months = price.unit === "year" ? 12 : 1;
  const estimate = quotient(`${BigInt(seconds) * BigInt(price.cents)}`, monthSeconds * months * 100, 2);
  return { estimate, currency: currencyOf(catalog) };
}
