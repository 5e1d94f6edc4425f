import { z } from "zod";
import { ProviderError } from "../../../errors.ts";
import { isTenantId, type OperatorStore } from "../../../isolation/isolation.ts";
import { type ExplainedRecord, explainedIn, type WaitingRecord, waitingIn } from "../../../metering/explain.ts";
import { monthOf } from "../../../metering/read.ts";

/** A record in a list; moments are ISO text. */
export interface RecordLine {
  /** Its deadline where it waits, its end where it has ended. */
  readonly at: string;
  readonly tenant: string;
  readonly name: string;
  readonly marketplace: string;
  readonly hour: string;
  readonly dimension: string;
  readonly quantity: string;
  readonly units: number | null;
  readonly state: ExplainedRecord["state"];
  readonly attempts: number;
  readonly verdict: string | null;
  readonly message: string | null;
}

type Units = Readonly<Record<string, string>>;

export interface Overview {
  readonly waiting: readonly RecordLine[];
  readonly ended: readonly RecordLine[];
  readonly waiting_units: Units;
  /** So many were summed: no more than `MOST_SUMMED`. */
  readonly waiting_records: number;
  readonly carried_units: Units;
  readonly carried_records: number;
  /** Sealed and not frozen yet: who pays is not known; no more than 1,000 are counted. */
  readonly unfixed: number;
  /** Of a month that is over, no more than 1,000 are counted. */
  readonly of_last_month: number;
}

export const MOST_SUMMED = 2_000;
/** What ended longer ago is not listed. */
export const LISTED_DAYS = 30;
const DAY_MS = 86_400_000;

export interface Places {
  readonly after?: Place | undefined;
  readonly before?: Place | undefined;
}

/** Reads one more line than `limit` of either list: that there is one says that there is a next page. */
export async function readOverview(store: OperatorStore, places: Places, limit: number): Promise<Overview> {
  const { at: now } = store.operator;
  const asked = { ...places, since: new Date(now.getTime() - LISTED_DAYS * DAY_MS), month: monthOf(now) };
  const [row] = await store.throughDoor<{ read: Overview }>({
    text: "select console_metering($1, $2) as read",
    values: [JSON.stringify(asked), limit + 1],
  });
  if (row === undefined) throw new Error("console_metering gave no row.");
  return row.read;
}

/** A moment as the door writes it: one that a calendar does not have is none. */
const moment = z
  .string()
  .regex(/^2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  .refine((text) => isoOf(text)?.slice(0, 19) === text.slice(0, 19));
const place = z
  .tuple([moment, z.string().refine(isTenantId), moment, z.string().refine(isDimension)])
  .transform(([at, tenant, hour, dimension]) => ({ at, tenant, hour, dimension }));
export type Place = z.output<typeof place>;

export const cursorAt = ({ at, tenant, hour, dimension }: RecordLine): string =>
  Buffer.from(JSON.stringify([at, tenant, hour, dimension])).toString("base64url");

/** Absent stays absent. `request_malformed` for what no page of ours links to. */
export function placeIn(cursor: unknown): Place | undefined {
  if (cursor === undefined) return undefined;
  const read = place.safeParse(parsed(Buffer.from(String(cursor), "base64url").toString()));
  if (read.success) return read.data;
  throw malformed("The cursor is not one of this list.");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isoOf(text: string): string | undefined {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

function isDimension(text: string): boolean {
  return text.length > 0 && text.length <= 200 && !text.includes("\0") && Buffer.from(text).toString() === text;
}

const malformed = (message: string) => new ProviderError("request_malformed", message);

/** The beginning of the day that an address asks for: of today where it asks for none. `request_malformed`. */
export function dayIn(given: unknown, now: Date): Date {
  const text = given === undefined ? now.toISOString().slice(0, 10) : given;
  if (typeof text === "string" && /^2\d{3}-\d\d-\d\d$/.test(text) && isoOf(text)?.startsWith(text))
    return new Date(text);
  throw malformed("A day is written like 2026-05-10.");
}

export interface RecordKey {
  readonly hour: Date;
  readonly dimension: string;
}

/** Which record an address asks for. `request_malformed`. */
export function keyIn({ hour, dimension }: Readonly<Record<string, unknown>>): RecordKey {
  if (
    typeof hour !== "string" ||
    !/^2\d{3}-\d\d-\d\dT\d\d:00Z$/.test(hour) ||
    !isoOf(hour)?.startsWith(hour.slice(0, -1))
  )
    throw malformed("An hour is written like 2026-05-10T09:00Z.");
  if (typeof dimension !== "string" || !isDimension(dimension)) throw malformed("A dimension has to be named.");
  return { hour: new Date(hour), dimension };
}

export interface Attempt {
  readonly n: number;
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly outcome: string | null;
  readonly fault: string | null;
  readonly request_id: string | null;
}

/** What stands beside a tenant's records. */
interface Beside {
  readonly name: string;
  readonly carries: Units;
  readonly attempts: readonly Attempt[];
}

export interface UsageRead extends Beside {
  readonly now: Date;
  readonly tenant: string;
  readonly records: readonly ExplainedRecord[];
}

/** Attempts that are shown, the newest ones. */
const ATTEMPTS = 50;

/** A tenant's records of a day, or of one hour with the attempts of one dimension. `tenant_not_found`. */
export async function readUsage(
  store: OperatorStore,
  tenant: string,
  from: Date,
  hours: number,
  dimension?: string,
): Promise<UsageRead> {
  const to = new Date(from.getTime() + hours * 3_600_000);
  return store.asTenant(tenant, async (tx) => {
    const [beside] = await tx.query<Beside>(BESIDE, [tenant, from, dimension ?? null, ATTEMPTS]);
    if (beside === undefined) throw new ProviderError("tenant_not_found", "There is no such tenant.");
    return { ...beside, now: store.operator.at, tenant, records: await explainedIn(tx, { tenant, from, to }) };
  });
}

export interface DryRunRead {
  readonly tenant: string;
  readonly name: string;
  readonly marketplace: string;
  readonly waiting: readonly WaitingRecord[];
}

/** What would be sent of a tenant now. `tenant_not_found`. */
export function readDryRun(store: OperatorStore, tenant: string): Promise<DryRunRead> {
  return store.asTenant(tenant, async (tx) => {
    const [found] = await tx.query<{ name: string; marketplace: string }>(
      `select coalesce(nullif(t.name, ''), t.resource_id) as name, t.marketplace from tenants t
       where t.id = $1 and t.request_digest <> ''`,
      [tenant],
    );
    if (found === undefined) throw new ProviderError("tenant_not_found", "There is no such tenant.");
    return { ...found, tenant, waiting: await waitingIn(tx, tenant, store.operator.at) };
  });
}

const BESIDE = `
  select coalesce(nullif(t.name, ''), t.resource_id) as name,
         (select coalesce(jsonb_object_agg(c.dimension, trim_scale(c.balance)::text), '{}') from usage_carries c
          where c.tenant_id = t.id and c.balance > 0) as carries,
         (select coalesce(jsonb_agg(to_jsonb(a) - 'tenant_id' - 'lease' order by a.n desc), '[]') from (
            select * from usage_attempts x where x.tenant_id = t.id and x.hour = $2 and x.dimension = $3
            order by x.n desc limit $4) a) as attempts
  from tenants t where t.id = $1 and t.request_digest <> ''`;
