import type { MeasuredDatabase, Query } from "../postgres.ts";

export const DIMENSIONS = ["requests", "documents", "storage"] as const;

/** The marketplace that bills the usage of every tenant, in `fillHour`. */
export const PAYING = "aws";

/** How long ago the hour began that is filled: it is over, and sealed by the next who looks. */
const AGO = "3 hours";

/**
 * Puts `events` events of each dimension of each tenant into an hour that is over, in the order of their times; somebody
 * pays for each tenant.
 */
export async function fillHour(database: MeasuredDatabase, events: number): Promise<void> {
  await database.session(async (query) => {
    await query("set synchronous_commit = off");
    const [hour] = await query<{ day: string; begins: Date }>(
      `select to_char(h at time zone 'UTC', 'YYYY-MM-DD') as day, h as begins
       from date_trunc('hour', now() - interval '${AGO}', 'UTC') h`,
    );
    await query("select make_usage_days(array[$1::date])", [hour?.day]);
    await query(
      `insert into usage_days.d${hour?.day.replaceAll("-", "")}
         (occurred_at, billed_hour, from_key, tenant_id, dimension, quantity, id, tags)
       select $1::timestamptz + i * interval '1 hour' / $2::float8, $1, false, t.id, d, 1, 'evt_' || md5(t.id || d || i), null
       from generate_series(0, ceil($2::float8)::integer - 1) i, unnest($3::text[]) d, tenants t`,
      [hour?.begins, events, DIMENSIONS],
    );
    await query(PAYERS, [PAYING]);
    await query("vacuum analyze");
    await query("checkpoint");
  });
}

const PAYERS = `
insert into usage_payers (tenant_id, billing_reference, from_hour, marketplace, lot, pace, bills, starts_at)
select id, '["licence","arn:aws:license-manager::123456789012:license/' || id || '","123456789012","us-east-1"]',
       date_trunc('hour', now() - interval '30 days'), $1, 'us-east-1', 'us-east-1', 'all', now() - interval '30 days'
from tenants`;

/** As if no hour had ever been summed. */
export async function reopenHours(query: Query): Promise<void> {
  await query("truncate usage_records, usage_months, usage_carries cascade");
  await query("update usage_rolls set summed_through = 'epoch', rolled_at = 'epoch', noted = noted + 1");
  await query("update usage_gate set sealed_through = 'epoch'");
  await query("select move_usage_gate(now())");
}
