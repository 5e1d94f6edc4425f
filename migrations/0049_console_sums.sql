-- As before, but at most 2,000 records are summed: a vendor with a hundred times the tenants waits hardly longer for the page, which
-- says that there are more.
create or replace function console_metering(p jsonb, p_limit integer) returns jsonb language sql stable as $$
  with waiting as materialized (
    select w.dimension, sum(w.units)::text as units, count(*) as records from (
      select dimension, coalesce(units, quantity) as units from usage_records
      where state in ('sealed', 'sent') and verdict is null order by hour limit 2000) w group by 1
  ), carried as materialized (
    select dimension, balance from usage_carries where balance >= 1 limit 2000
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
