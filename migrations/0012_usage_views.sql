-- Where every unit is: for the API, for alarms, for an operator and for whoever compares the books.

-- Records in the order of their keys, of whoever the caller may see. p_after = {tenant, hour, dimension}.
drop function usage_of_all(text, timestamptz, timestamptz, jsonb, integer);
drop function usage_page(text, text, timestamptz, timestamptz, jsonb, integer);
create function usage_page(p_tenant text, p_dimension text, p_from timestamptz, p_to timestamptz, p_after jsonb,
                           p_limit integer)
returns table (tenant text, dimension text, hour timestamptz, quantity numeric, state text, accepted_at timestamptz,
               units bigint, verdict text)
language sql stable as $$
  select r.tenant_id, r.dimension, r.hour, r.quantity, r.state, r.accepted_at, r.units, r.verdict from usage_records r
  where (p_tenant is null or r.tenant_id = p_tenant) and (p_dimension is null or r.dimension = p_dimension)
    and (p_from is null or r.hour >= p_from) and (p_to is null or r.hour < p_to)
    and (p_after is null or (r.tenant_id, r.hour, r.dimension) >
         (p_after->>'tenant', (p_after->>'hour')::timestamptz, p_after->>'dimension'))
  order by r.tenant_id, r.hour, r.dimension limit p_limit
$$;
revoke all on function usage_page(text, text, timestamptz, timestamptz, jsonb, integer) from public;
select app_may('execute on function usage_page(text, text, timestamptz, timestamptz, jsonb, integer)');

create function usage_of_all(p_dimension text, p_from timestamptz, p_to timestamptz, p_after jsonb, p_limit integer)
returns table (tenant text, dimension text, hour timestamptz, quantity numeric, state text, accepted_at timestamptz,
               units bigint, verdict text)
language sql stable as $$ select * from usage_page(null, p_dimension, p_from, p_to, p_after, p_limit) $$;
select door('usage_of_all(text, timestamptz, timestamptz, jsonb, integer)');

-- Units that no marketplace has accepted, by why and by whom: waiting, at_risk (its end is no more than six hours away),
-- lost with a reason, carried (owed by a later record), to_audit (billed as far as we know). p_reporting: the marketplaces
-- that bill usage.
create function unaccepted_usage(p_reporting text[], p_now timestamptz)
returns table (why text, reason text, marketplace text, dimension text, units numeric, records bigint, oldest timestamptz)
language sql stable as $$
  with waiting as (
    select case when r.expires_at <= p_now + interval '6 hours' then 'at_risk' else 'waiting' end as why,
           null::text as reason, r.tenant_id, r.dimension, coalesce(r.units, r.quantity) as units, r.hour
    from usage_records r where r.state in ('open', 'sealed', 'sent') and r.verdict is null
  ), every as (
    select * from waiting
    union all
    select 'lost', r.verdict, r.tenant_id, r.dimension, coalesce(r.units, r.quantity), r.hour
    from usage_records r where r.state in ('refused', 'expired') and r.verdict <> 'carried_over'
    union all
    select 'to_audit', r.verdict, r.tenant_id, r.dimension, r.units, r.hour
    from usage_records r where r.state = 'accepted' and r.verdict = 'billed_before'
    union all
    -- What a tenant leaves behind that no record will take any more.
    select case when e.tenant_id is null then 'carried' else 'lost' end, case when e.tenant_id is not null then 'left_over' end,
           c.tenant_id, c.dimension, c.balance, null
    from usage_carries c left join usage_closings e on e.tenant_id = c.tenant_id and e.sealed_at is not null
      and not exists (select from usage_records r where r.tenant_id = c.tenant_id and r.verdict is null
                      and r.state in ('open', 'sealed', 'sent'))
    where c.balance > 0
  )
  select e.why, e.reason, t.marketplace, e.dimension, sum(e.units), count(*), min(e.hour)
  from every e join tenants t on t.id = e.tenant_id
  where t.marketplace = any(p_reporting) or exists (select from usage_payers p where p.tenant_id = e.tenant_id)
  group by 1, 2, 3, 4
$$;
revoke all on function unaccepted_usage(text[], timestamptz) from public;

create index usage_records_to_audit on usage_records (tenant_id) where state = 'accepted' and verdict = 'billed_before';

create or replace function metering_summary(p_reporting text[], p_now timestamptz)
returns jsonb language sql stable as $$
  with parts as materialized (
    select * from unaccepted_usage(p_reporting, p_now)
  ), by_why as (
    select why, jsonb_object_agg(dimension, units) as units
    from (select why, dimension, sum(units) as units from parts group by 1, 2) s group by why
  ), by_reason as (
    select jsonb_object_agg(reason, units) as reasons from (
      select reason, jsonb_object_agg(dimension, units) as units
      from (select reason, dimension, sum(units) as units from parts where why = 'lost' group by 1, 2) s group by reason) r
  ), by_marketplace as (
    select jsonb_object_agg(marketplace, whys) as marketplaces from (
      select marketplace, jsonb_object_agg(why, units) as whys from (
        select marketplace, why, jsonb_object_agg(dimension, units) as units
        from (select marketplace, why, dimension, sum(units) as units from parts group by 1, 2, 3) s group by 1, 2) w
      group by marketplace) m
  ), not_billed as (
    select jsonb_object_agg(dimension, units) as units from (
      select m.dimension, sum(m.quantity) as units from usage_months m join tenants t on t.id = m.tenant_id
      where t.marketplace <> all(p_reporting) and not exists (select from usage_payers p where p.tenant_id = m.tenant_id)
      group by 1) s
  )
  select jsonb_build_object(
    'waiting', coalesce((select units from by_why where why = 'waiting'), '{}'),
    'at_risk', coalesce((select units from by_why where why = 'at_risk'), '{}'),
    'lost', coalesce((select units from by_why where why = 'lost'), '{}'),
    'lost_by_reason', coalesce((select reasons from by_reason), '{}'),
    'carried', coalesce((select units from by_why where why = 'carried'), '{}'),
    'to_audit', coalesce((select units from by_why where why = 'to_audit'), '{}'),
    'not_billed', coalesce((select units from not_billed), '{}'),
    'conflicts', (select coalesce(sum(records), 0) from parts where reason = 'conflict'),
    'oldest_waiting_at', (select min(oldest) from parts where why in ('waiting', 'at_risk')),
    'marketplaces', coalesce((select marketplaces from by_marketplace), '{}'))
$$;
select door('metering_summary(text[], timestamptz)');

-- What a monitoring system watches: [{gauge, marketplace, reason?, age?, deadline?, value}]. Ages count from the sealing.
create function metering_gauges(p_reporting text[], p_now timestamptz) returns jsonb
language sql stable as $$
  with gauges as (
    select 'waiting_records' as gauge, t.marketplace, null::text as reason,
           case when r.sealed_at > p_now - interval '10 minutes' then 'minutes' when r.sealed_at > p_now - interval '2 hours' then 'hour'
                when r.sealed_at > p_now - interval '6 hours' then 'hours' else 'longer' end as age,
           case when r.expires_at is null then 'none' when r.expires_at <= p_now + interval '1 hour' then 'hour'
                when r.expires_at <= p_now + interval '6 hours' then 'six_hours' else 'later' end as deadline,
           count(*)::numeric as value
    from usage_records r join tenants t on t.id = r.tenant_id
    where r.state in ('sealed', 'sent') and r.verdict is null
    group by 1, 2, 3, 4, 5
    union all
    select why || '_units', marketplace, reason, null, null, sum(units) from unaccepted_usage(p_reporting, p_now)
    where why in ('lost', 'carried', 'to_audit') group by 1, 2, 3
    union all
    select 'conflicts', marketplace, null, null, null, sum(records) from unaccepted_usage(p_reporting, p_now)
    where reason = 'conflict' group by 2
  )
  select coalesce(jsonb_agg(jsonb_strip_nulls(to_jsonb(g))), '[]') from gauges g
$$;
select door('metering_gauges(text[], timestamptz)');

-- Since when the oldest hour that is over has waited to be sealed: an hour is due 70 minutes after its beginning.
create function oldest_unsealed() returns timestamptz
language sql stable as $$
  select min(r.hour) + interval '70 minutes' from usage_records r where r.state = 'open'
$$;
select door('oldest_unsealed()');

-- What was fixed to be billed, of all tenants: for the comparison with a marketplace's own reports.
create function usage_ledger(p_from timestamptz, p_until timestamptz, p_after jsonb, p_limit integer)
returns table (tenant text, hour timestamptz, dimension text, billing_reference text, lot text, stamped_at timestamptz,
               units bigint, verdict text, unknown_attempts integer)
language sql stable as $$
  select r.tenant_id, r.hour, r.dimension, r.billing_reference, r.lot, r.stamped_at, r.units, r.verdict,
         r.attempts - r.definite
  from usage_records r
  where r.frozen_at is not null and r.stamped_at >= p_from and r.stamped_at < p_until
    and (p_after is null or (r.tenant_id, r.hour, r.dimension)
         > (p_after->>'tenant', (p_after->>'hour')::timestamptz, p_after->>'dimension'))
  order by r.tenant_id, r.hour, r.dimension limit p_limit
$$;
select door('usage_ledger(timestamptz, timestamptz, jsonb, integer)');

-- An operator wants what waits of a tenant to be sent now: no waiting for a next try, for newer news of the purchase, or
-- for a lot that rests. What somebody is sending at the moment is left alone. Answers how many records that concerned.
create function hurry_usage(p_tenant text) returns integer
language plpgsql as $$
declare
  v_lots text[];
  v_count integer;
begin
  with hurried as (
    update usage_records r set parked = null, due_at = r.stamped_at
    where r.tenant_id = p_tenant and r.state in ('sealed', 'sent') and r.verdict is null and r.lot is not null
      and r.lease is null and (r.due_at is null or r.due_at > r.stamped_at)
    returning r.lot
  )
  select array_agg(distinct lot), count(*) into v_lots, v_count from hurried;
  update usage_lots set due_at = 'epoch' where lot = any(v_lots);
  return v_count;
end $$;
select door('hurry_usage(text)');
