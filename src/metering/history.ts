import type { Tx } from "../db/db.ts";

/** How far back the history goes, and the steps in which it is shown. */
export const historyRanges = {
  "24h": { hours: 24, step: 1 },
  "7d": { hours: 7 * 24, step: 6 },
  "30d": { hours: 30 * 24, step: 24 },
} as const;

export type HistoryRange = keyof typeof historyRanges;

export interface HistoryStep {
  /** When it begins. */
  readonly at: Date;
  /** Units by dimension; a dimension without usage is absent. */
  readonly used: Readonly<Record<string, number>>;
}

const HOUR_MS = 3_600_000;

/** The usage of this transaction's tenant up to the running step, oldest first and without gaps. */
export async function usageHistory(tx: Tx, range: HistoryRange, now: Date): Promise<readonly HistoryStep[]> {
  const { hours, step } = historyRanges[range];
  const stepMs = step * HOUR_MS;
  const last = Math.floor(now.getTime() / stepMs) * stepMs;
  const first = last - (hours / step - 1) * stepMs;
  const rows = await tx.query<{ at: Date; dimension: string; quantity: string }>(
    `select date_bin(make_interval(hours => $2), hour, 'epoch'::timestamptz) as at, dimension, sum(quantity) as quantity
     from usage_records where hour >= $1 group by 1, 2`,
    [new Date(first), step],
  );
  return Array.from({ length: hours / step }, (_, place) => {
    const at = new Date(first + place * stepMs);
    const here = rows.filter((row) => row.at.getTime() === at.getTime());
    return { at, used: Object.fromEntries(here.map(({ dimension, quantity }) => [dimension, Number(quantity)])) };
  });
}

export interface HourOfUsage {
  readonly hour: Date;
  readonly dimension: string;
  /** A decimal, exact. */
  readonly quantity: string;
  readonly state: string;
}

/** Every hour with usage of this transaction's tenant in the range, oldest first. */
export function usageByHour(tx: Tx, range: HistoryRange, now: Date): Promise<readonly HourOfUsage[]> {
  const from = new Date(now.getTime() - historyRanges[range].hours * HOUR_MS);
  return tx.query<HourOfUsage>(
    `select hour, dimension, quantity, state from usage_records where hour > $1 and quantity > 0 order by hour, dimension`,
    [from],
  );
}

export interface Included {
  readonly dimension: string;
  readonly quantity: number;
  readonly used: number;
  readonly from: Date;
  readonly until: Date;
}

/** What the contracts of this transaction's tenant include now, before anything is billed. */
export async function includedNow(tx: Tx, now: Date): Promise<readonly Included[]> {
  const rows = await tx.query<{ dimension: string; quantity: string; used: string; from_at: Date; until_at: Date }>(
    `select dimension, quantity, used, from_at, until_at from usage_included
     where from_at <= $1 and until_at > $1 order by dimension, until_at`,
    [now],
  );
  return rows.map(({ dimension, quantity, used, from_at: from, until_at: until }) => {
    return { dimension, quantity: Number(quantity), used: Number(used), from, until };
  });
}
