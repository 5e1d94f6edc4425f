import { z } from "zod";
import type { Tx } from "../db/db.ts";
import { ProviderError } from "../errors.ts";
import type { Store } from "../isolation/isolation.ts";
import { quantityJson } from "./decimal.ts";

/** The quantity of one dimension in one hour. */
export interface UsageRecord {
  readonly tenant: string;
  readonly dimension: string;
  readonly hour: Date;
  readonly quantity: string;
  readonly state: "open" | "sealed" | "sent" | "accepted" | "refused" | "expired";
  readonly accepted_at: Date | null;
  /** What the marketplace is billed by: whole, without what is included, with what earlier hours owed. Null until fixed. */
  readonly units: string | null;
  /** How it ended, and why; null while it has not. */
  readonly verdict: string | null;
}

export interface UsageFilter {
  /** Of all tenants when absent: for the vendor's product alone. */
  readonly tenant?: string | undefined;
  readonly dimension?: string | undefined;
  readonly from?: Date | undefined;
  /** Not included. */
  readonly to?: Date | undefined;
  /** From `cursorAfter` of the last record of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Records by tenant, hour and dimension. Throws `request_malformed` for a cursor that is none of ours. */
export async function listUsage(store: Store, filter: UsageFilter): Promise<readonly UsageRecord[]> {
  const { tenant } = filter;
  const rest = [filter.from ?? null, filter.to ?? null, placeOf(filter.after), filter.limit];
  const dimension = filter.dimension ?? null;
  if (tenant === undefined) {
    return store.throughDoor<UsageRecord>({
      text: "select * from usage_of_all($1, $2, $3, $4, $5)",
      values: [dimension, ...rest],
    });
  }
  return store.asTenant(tenant, (tx) =>
    tx.query<UsageRecord>("select * from usage_page($1, $2, $3, $4, $5, $6)", [tenant, dimension, ...rest]),
  );
}

export function cursorAfter({ tenant, hour, dimension }: UsageRecord): string {
  return Buffer.from(JSON.stringify([tenant, hour, dimension])).toString("base64url");
}

const place = z.tuple([z.string(), z.iso.datetime(), z.string()]);

function placeOf(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  try {
    const [tenant, hour, dimension] = place.parse(JSON.parse(Buffer.from(cursor, "base64url").toString()));
    return JSON.stringify({ tenant, hour, dimension });
  } catch (cause) {
    throw new ProviderError("request_malformed", "The cursor is none of ours.", {
      faults: [{ at: "/cursor", message: "must be the `next_cursor` of the page before" }],
      cause,
    });
  }
}

type Units = Readonly<Record<string, number>>;

/** What no marketplace has accepted yet, in units by dimension. */
export interface MeteringSummary {
  /** Open, sealed and sent, where the marketplace bills usage. */
  readonly waiting: Units;
  /** Waiting, with less than six hours to the marketplace's deadline. */
  readonly at_risk: Units;
  /** Refused, past the deadline, or left behind by a tenant that ended: billed nowhere. */
  readonly lost: Units;
  readonly lost_by_reason: Readonly<Record<string, Units>>;
  /** Owed in a later hour, because no record could hold it yet. */
  readonly carried: Units;
  /** Accepted, though nobody has seen the answer that says so. */
  readonly to_audit: Units;
  /** Of marketplaces that bill no usage: kept and shown, never sent. */
  readonly not_billed: Units;
  /** Records for which the marketplace holds another quantity. */
  readonly conflicts: number;
  readonly oldest_waiting_at: string | null;
  /** The same for each marketplace. */
  readonly marketplaces: Readonly<Record<string, Readonly<Record<string, Units>>>>;
}

/** `reporting`: the marketplaces that bill usage. */
export async function meteringSummary(store: Store, reporting: readonly string[], now: Date): Promise<MeteringSummary> {
  const [row] = await store.throughDoor<{ summary: MeteringSummary }>({
    text: "select metering_summary($1, $2) as summary",
    values: [reporting, now],
  });
  if (row === undefined) throw new Error("metering_summary gave no row.");
  const { oldest_waiting_at: oldest, ...units } = row.summary;
  return { ...units, oldest_waiting_at: oldest === null ? null : new Date(oldest).toISOString() };
}

/** One value for a monitoring system, with the closed words that tell it apart. */
export interface MeteringGauge {
  readonly gauge: "waiting_records" | "lost_units" | "carried_units" | "to_audit_units" | "conflicts";
  readonly marketplace: string;
  readonly reason?: string;
  readonly age?: string;
  readonly deadline?: string;
  readonly value: number;
}

export async function meteringGauges(
  store: Store,
  reporting: readonly string[],
  now: Date,
): Promise<readonly MeteringGauge[]> {
  const [row] = await store.throughDoor<{ gauges: MeteringGauge[] }>({
    text: "select metering_gauges($1, $2) as gauges",
    values: [reporting, now],
  });
  return row?.gauges ?? [];
}

/** For how long an hour that is over has waited to be sealed; 0 when none has. In ms. */
export async function sealingLag(store: Store, now: Date): Promise<number> {
  const [row] = await store.throughDoor<{ since: Date | null }>({ text: "select oldest_unsealed() as since" });
  return row?.since ? Math.max(0, now.getTime() - row.since.getTime()) : 0;
}

/** What a tenant has used in one calendar month (UTC). */
export interface MonthlyUsage {
  readonly month: Date;
  readonly used: Units;
  /** When the sums were last brought up to date; null before the first time. */
  readonly updatedAt: Date | null;
}

/** Of this transaction's tenant, in the month of `now`. */
export async function monthlyUsage(tx: Tx, now: Date): Promise<MonthlyUsage> {
  const month = monthOf(now);
  const rows = await tx.query<{ dimension: string; quantity: string }>(
    "select dimension, quantity from usage_months where month = $1 order by dimension",
    [month],
  );
  const [roll] = await tx.query<{ rolled_at: Date }>("select rolled_at from usage_rolls where rolled_at > 'epoch'");
  return {
    month,
    used: Object.fromEntries(rows.map(({ dimension, quantity }) => [dimension, Number(quantity)])),
    updatedAt: roll?.rolled_at ?? null,
  };
}

/** The beginning of the calendar month, in UTC. */
export function monthOf(now: Date): Date {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth()));
}

const SOFT = 0.8;

export type Mark = "soft" | "hard";

/** Whether usage has touched a limit: `hard` at the whole of one, `soft` at four fifths. Advice, never a refusal. */
export function markOf(used: Units, limits: Units): Mark | undefined {
  const parts = Object.entries(limits).map(([dimension, limit]) => partOf(used[dimension] ?? 0, limit));
  const most = Math.max(0, ...parts);
  if (most >= 1) return "hard";
  return most >= SOFT ? "soft" : undefined;
}

function partOf(used: number, limit: number): number {
  return used === 0 ? 0 : used / limit;
}

/** A record as the API answers it. */
export function recordJson({ quantity, units, ...record }: UsageRecord) {
  return { ...record, quantity: quantityJson(quantity), units: units === null ? null : Number(units) };
}
