-- Two looks of the console that grew with what they look through.

-- As before, but the sum follows the hours, in which the records lie beside each other; by their ends each was a page of its own.
create or replace function console_metering(p jsonb, p_limit integer) returns jsonb language sql stable as $$
  with waiting as materialized (
    select w.dimension, sum(w.units)::text as units, count(*) as records from (
      select dimension, coalesce(units, quantity) as units from usage_records
      where state in ('sealed', 'sent') and verdict is null order by hour limit 10000) w group by 1
  ), carried as materialized (
    select dimension, balance from usage_carries where balance >= 1 limit 10000
  )
  select jsonb_build_object(
    'waiting', console_waiting_usage(p->'after', p_limit),
    'ended', console_ended_usage((p->>'since')::timestamptz, p->'before', p_limit),
    'waiting_units', (select coalesce(jsonb_object_agg(dimension, units), '{}') from waiting),
    'waiting_records', (select coalesce(sum(records), 0) from waiting),
    'carried_units', (select coalesce(jsonb_object_agg(c.dimension, c.units), '{}') from (
        select dimension, trim_scale(sum(balance))::text as units from carried group by 1) c),
    'carried_records', (select count(*) from carried),
    'unfixed', (select count(*) from (
        select from usage_records where state = 'sealed' and frozen_at is null and verdict is null limit 1000) u),
    'of_last_month', (select count(*) from (
        select from usage_records where state in ('open', 'sealed', 'sent') and verdict is null
          and hour < (p->>'month')::timestamptz limit 1000) m))
$$;
select door('console_metering(jsonb, integer)');

-- As before, but it stops at a full page instead of looking at all it may; what a name is, is read for those it lists. Where
-- the next look begins is told only when the page is not full: else it begins behind the last line.
create or replace function console_named(p jsonb, p_limit integer, p_look integer) returns jsonb language sql stable as $$
  with fits as materialized (
    select distinct x.term, x.tenant_id from tenant_terms x
    where x.term >= lower(p->>'q') and x.term < lower(p->>'q') || chr(1114111)
      and (x.term, x.tenant_id) > (greatest(p->'after'->>'term' collate "C", lower(p->>'q') collate "C"), coalesce(p->'after'->>'id', ''))
    order by x.term, x.tenant_id limit p_look
  ), found as (
    select f.term, t.*
    from fits f join tenants t on t.id = f.tenant_id
    where (p->>'marketplace' is null or t.marketplace = p->>'marketplace')
      and (p->>'plan' is null or t.plan = p->>'plan') and (p->>'state' is null or t.state = p->>'state')
      and not exists (select from tenant_terms y where y.tenant_id = f.tenant_id and y.term >= lower(p->>'q') and y.term < f.term)
    order by f.term, f.tenant_id limit p_limit
  )
  select jsonb_build_object(
    'rows', (select coalesce(jsonb_agg(jsonb_build_object(
               'id', f.id, 'marketplace', f.marketplace, 'resource_id', f.resource_id, 'name', f.name,
               'app', f.facts->>'app', 'owner', f.facts->>'owner', 'region', f.region, 'plan', f.plan, 'state', f.state,
               'created_at', f.created_at, 'changed_at', f.changed_at, 'ended_at', f.ended_at,
               'term', f.term,
               'kind', (select min(y.kind) from tenant_terms y where y.tenant_id = f.id and y.term = f.term))
               order by f.term, f.id), '[]') from found f),
    'looked', case when (select count(*) from found) < p_limit then (
        select jsonb_build_object('term', f.term, 'id', f.tenant_id) from fits f
        where (select count(*) from fits) = p_look order by f.term desc, f.tenant_id desc limit 1) end)
$$;
