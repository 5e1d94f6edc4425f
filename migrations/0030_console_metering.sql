-- What the console's metering pages read.

-- A page begins where the one before ended, however many records share a moment.
drop index usage_records_expiring;
create index usage_records_expiring on usage_records (expires_at, tenant_id, hour, dimension)
  where state in ('sealed', 'sent') and verdict is null;
create index usage_records_ended on usage_records (settled_at, tenant_id, hour, dimension)
  where state in ('refused', 'expired');

create function console_moment(p_at timestamptz) returns text language sql stable as $$
  select to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- Records that wait, the one that has the least time first. p_after = {at, tenant, hour, dimension}.
create function console_waiting_usage(p_after jsonb, p_limit integer) returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'at', console_moment(r.expires_at), 'tenant', r.tenant_id, 'name', coalesce(nullif(t.name, ''), t.resource_id),
    'marketplace', t.marketplace, 'hour', console_moment(r.hour), 'dimension', r.dimension, 'quantity', r.quantity::text,
    'units', r.units, 'state', r.state, 'attempts', r.attempts, 'verdict', r.verdict, 'message', r.message)
    order by r.expires_at, r.tenant_id, r.hour, r.dimension), '[]')
  from (
    select * from usage_records x
    where x.state in ('sealed', 'sent') and x.verdict is null and x.expires_at is not null
      and (x.expires_at, x.tenant_id, x.hour, x.dimension) >
          (coalesce((p_after->>'at')::timestamptz, '-infinity'), coalesce(p_after->>'tenant', ''),
           coalesce((p_after->>'hour')::timestamptz, '-infinity'), coalesce(p_after->>'dimension', ''))
    order by x.expires_at, x.tenant_id, x.hour, x.dimension limit p_limit) r
  join tenants t on t.id = r.tenant_id
$$;

-- Records that ended unbilled since p_since, newest first. p_before as above.
create function console_ended_usage(p_since timestamptz, p_before jsonb, p_limit integer) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'at', console_moment(r.settled_at), 'tenant', r.tenant_id, 'name', coalesce(nullif(t.name, ''), t.resource_id),
    'marketplace', t.marketplace, 'hour', console_moment(r.hour), 'dimension', r.dimension, 'quantity', r.quantity::text,
    'units', r.units, 'state', r.state, 'attempts', r.attempts, 'verdict', r.verdict, 'message', r.message)
    order by r.settled_at desc, r.tenant_id desc, r.hour desc, r.dimension desc), '[]')
  from (
    select * from usage_records x
    where x.state in ('refused', 'expired') and x.settled_at > p_since
      and (x.settled_at, x.tenant_id, x.hour, x.dimension) <
          (coalesce((p_before->>'at')::timestamptz, 'infinity'), coalesce(p_before->>'tenant', ''),
           coalesce((p_before->>'hour')::timestamptz, 'infinity'), coalesce(p_before->>'dimension', ''))
    order by x.settled_at desc, x.tenant_id desc, x.hour desc, x.dimension desc limit p_limit) r
  join tenants t on t.id = r.tenant_id
$$;
revoke all on function console_moment(timestamptz), console_waiting_usage(jsonb, integer),
  console_ended_usage(timestamptz, jsonb, integer) from public;

-- All the first page of the metering shows. Sums look at 10,000 rows and say when there are more.
-- p = {after, before, since, month}.
create function console_metering(p jsonb, p_limit integer) returns jsonb language sql stable as $$
  with waiting as materialized (
    select dimension, coalesce(units, quantity) as units from usage_records
    where state in ('sealed', 'sent') and verdict is null order by expires_at limit 10000
  ), carried as materialized (
    select dimension, balance from usage_carries where balance >= 1 limit 10000
  )
  select jsonb_build_object(
    'waiting', console_waiting_usage(p->'after', p_limit),
    'ended', console_ended_usage((p->>'since')::timestamptz, p->'before', p_limit),
    'waiting_units', (select coalesce(jsonb_object_agg(w.dimension, w.units), '{}') from (
        select dimension, sum(units)::text as units from waiting group by 1) w),
    'waiting_records', (select count(*) from waiting),
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
