import { type Purchase, purchasesOf } from "./customer.ts";
import type { Feed } from "./feed.ts";
import type { Sent } from "./item.ts";
import type { Stage } from "./stage.ts";

export interface RecordRow {
  readonly tenant_id: string;
  readonly hour: Date;
  readonly dimension: string;
  readonly billing_reference: string | null;
  readonly quantity: string;
  readonly state: string;
  readonly verdict: string | null;
  readonly message: string | null;
  readonly sealed_at: Date;
  readonly frozen_at: Date | null;
  readonly stamped_at: Date | null;
  readonly expires_at: Date | null;
  readonly carried_in: string | null;
  readonly included: string | null;
  readonly units: string | null;
  readonly carried_out: string | null;
  readonly attempts: number;
  readonly definite: number;
  /** What its attempts came to, and when. */
  readonly outcomes: string | null;
  /** Who has paid for its tenant, and since when. */
  readonly payers: string | null;
  /** When its tenant's usage was closed, and the last of it sealed. */
  readonly closed: string | null;
}

interface EventRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly dimension: string;
  readonly quantity: string;
  readonly billed_hour: Date;
}

export interface TenantRow {
  readonly id: string;
  readonly state: string;
  readonly plan: string;
}

export interface LicenceRow {
  readonly key: string;
  readonly tenant_id: string | null;
  readonly state: string;
}

/** One line of AWS's ledger. */
export interface Billed {
  readonly region: string;
  readonly generation: "licence" | "legacy";
  readonly product_code: string;
  readonly licence: string | null;
  readonly account: string;
  readonly customer: string | null;
  readonly dimension: string;
  readonly hour: string;
  readonly timestamp: string;
  readonly quantity: number;
}

/** What is there at the end, told by those who have it and not by the code that is judged. */
export interface Evidence {
  readonly stage: Stage;
  readonly feed: Feed;
  /** What the product was told is counted. */
  readonly acknowledged: readonly Sent[];
  readonly events: readonly EventRow[];
  readonly records: readonly RecordRow[];
  readonly carries: readonly { readonly tenant_id: string; readonly dimension: string; readonly balance: string }[];
  readonly included: readonly {
    readonly tenant_id: string;
    readonly billing_reference: string;
    readonly dimension: string;
    readonly quantity: string;
    readonly used: string;
  }[];
  readonly tenants: readonly TenantRow[];
  readonly licences: readonly LicenceRow[];
  readonly purchases: readonly Purchase[];
  readonly billed: readonly Billed[];
  /** What the simulator saw us do wrong. */
  readonly blamed: readonly { readonly rule: string; readonly sentence: string }[];
  /** When an end was heard of, by the licence's key and by the agreement. */
  readonly endsHeard: ReadonlyMap<string, Date>;
}

export async function gather(stage: Stage, feed: Feed): Promise<Evidence> {
  const { world } = stage;
  const { look } = world.looker;
  const heard = await look<{ key: string; at: Date }>(
    `select l.key, min(m.received_at) as at from aws_licences l join aws_messages m
       on m.licence_key = l.key or (m.licence_key is null and m.agreement_id = l.agreement_id)
     where m.fact in ('ending', 'ended', 'superseded') group by l.key
     union all
     select agreement_id, min(received_at) from aws_messages
     where fact in ('ending', 'ended', 'superseded') and agreement_id is not null group by agreement_id`,
  );
  return {
    stage,
    feed,
    acknowledged: [...feed.sent.values()].filter(({ answer }) => answer === "accepted"),
    events: await look("select tenant_id, id, dimension, quantity, billed_hour from usage_events"),
    records: await look(
      `select r.*,
              (select string_agg(concat_ws(' ', coalesce(outcome, 'no answer'), fault, started_at, '-', ended_at), '; ' order by n)
               from usage_attempts a where (a.tenant_id, a.hour, a.dimension) = (r.tenant_id, r.hour, r.dimension)) as outcomes,
              (select string_agg(concat_ws(' ', billing_reference, bills, 'from', from_hour, 'starts', starts_at, 'ended', ended_at),
                                 '; ' order by from_hour, starts_at)
               from usage_payers p where p.tenant_id = r.tenant_id) as payers,
              (select concat_ws(' ', 'asked', c.asked_at, 'sealed', c.sealed_at)
               from usage_closings c where c.tenant_id = r.tenant_id) as closed
       from usage_records r order by tenant_id, dimension, hour`,
    ),
    carries: await look("select * from usage_carries"),
    included: await look("select * from usage_included"),
    tenants: await look("select id, state, plan from tenants"),
    licences: await look("select key, tenant_id, state from aws_licences"),
    purchases: await purchasesOf(world),
    billed: (await world.ask<{ billed: readonly Billed[] }>("/_aws/ledger")).billed,
    blamed: await world.ask("/_verdicts"),
    endsHeard: new Map(heard.map(({ key, at }) => [key, at])),
  };
}

/** Who pays, in the words of the records. */
export function referenceOf({ generation, licence, account, product_code, customer, region }: Billed): string {
  return JSON.stringify(
    generation === "licence" ? ["licence", licence, account, region] : ["legacy", product_code, customer, region],
  );
}

/** By what the tables call the purchase. */
export const keyOf = ({ generation, licence, product_code, customer }: Purchase): string =>
  generation === "licence" ? licence : `${product_code}:${customer}`;

/** All names under which a purchase may be known: it may have moved from the older generation. */
export const keysOf = ({ licence, product_code, customer }: Purchase): readonly string[] => [
  licence,
  ...(customer === null ? [] : [`${product_code}:${customer}`]),
];

/** The agreements behind a tenant. */
export function purchasesOfTenant({ licences, purchases }: Evidence, tenant: string): readonly Purchase[] {
  const keys = new Set(licences.filter(({ tenant_id }) => tenant_id === tenant).map(({ key }) => key));
  return purchases.filter((purchase) => keysOf(purchase).some((key) => keys.has(key)));
}

export const nameOf = ({ tenant_id, dimension, hour, verdict }: RecordRow): string =>
  `${tenant_id} ${dimension} ${hour.toISOString().slice(0, 13)} (${verdict})`;

export function groupBy<T>(list: readonly T[], nameOfOne: (one: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const one of list) {
    const name = nameOfOne(one);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [one]);
    else group.push(one);
  }
  return groups;
}

/** Looks at everything; each sentence is one broken promise. */
export type Rules = Readonly<Record<string, (evidence: Evidence) => readonly string[]>>;
