/** A record for each hour of the last thirty days of the first $1 tenants by their ids; the last two hours wait, a few ended unbilled. */
export const RECORDS = `
insert into usage_records (tenant_id, hour, dimension, billing_reference, quantity, events, state, sealed_at, accepted_at,
  frozen_at, lot, stamped_at, carried_in, included, units, carried_out, allocations, expires_at, attempts, due_at, verdict,
  message, settled_at)
select t.id, h.hour, 'requests', 'bench', 7, 7, s.state, h.hour + interval '70 minutes',
  case s.state when 'accepted' then h.hour + interval '72 minutes' end, h.hour + interval '71 minutes', 'lot', h.hour, 0, 0, 7, 0,
  '[]', h.hour + interval '6 hours', case s.state when 'sealed' then 0 else 1 end,
  case s.state when 'sealed' then h.hour + interval '71 minutes' end,
  case s.state when 'accepted' then 'accepted' when 'refused' then 'invalid' end, null,
  case when s.state in ('accepted', 'refused') then h.hour + interval '72 minutes' end
from generate_series(date_trunc('hour', now()) - interval '720 hours', date_trunc('hour', now()) - interval '1 hour', interval '1 hour')
  as h(hour)
cross join (select id, row_number() over (order by id) as place from (select id from tenants order by id limit $1) f) t
cross join lateral (select case
  when h.hour >= date_trunc('hour', now()) - interval '2 hours' then 'sealed'
  when (t.place + extract(epoch from h.hour)::bigint / 3600) % 720 = 0 then 'refused' else 'accepted' end as state) s`;

export const ATTEMPTS = `
insert into usage_attempts (tenant_id, hour, dimension, n, lease, started_at, ended_at, outcome, request_id)
select tenant_id, hour, dimension, 1, gen_random_uuid(), settled_at, settled_at, state, md5(tenant_id)
from usage_records where attempts = 1 and hour > now() - interval '7 days'`;

export const MONTHS = `
insert into usage_months (tenant_id, month, dimension, quantity)
select tenant_id, date_trunc('month', hour, 'UTC'), dimension, sum(quantity) from usage_records group by 1, 2, 3`;

/** As the worker keeps them. */
export const PICTURES = [
  "update usage_rolls set summed_through = date_trunc('hour', now()) - interval '1 hour'",
  `insert into usage_sums (step, at, marketplace, plan, dimension, quantity, events)
   select 'hour', r.hour, t.marketplace, t.plan, r.dimension, sum(r.quantity), sum(r.events)
   from usage_records r join tenants t on t.id = r.tenant_id group by 2, 3, 4, 5`,
  `insert into usage_sums (step, at, marketplace, plan, dimension, quantity, events)
   select 'day', date_trunc('day', at, 'UTC'), marketplace, plan, dimension, sum(quantity), sum(events) from usage_sums
   group by 2, 3, 4, 5`,
  `insert into lifecycle_days (day, marketplace, type, events)
   select date_trunc('day', e.recorded_at, 'UTC'), t.marketplace, e.type, count(*)
   from lifecycle_events e join tenants t on t.id = e.tenant_id group by 1, 2, 3`,
  `update picture_rolls set hours_through = date_trunc('hour', now()) - interval '1 hour',
     days_through = date_trunc('day', now(), 'UTC') - interval '2 days'`,
  "select roll_purchases(now()), count_revenue(now())",
];
