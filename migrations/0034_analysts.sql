-- For analysts: what leaves as a file, page by page. Each call reads a bounded part of the database and says where the next
-- one begins. A page is lines of JSON, and a last line {after}: null when that was all.

-- Behind row level security the planner takes a policy for a filter that lets little pass, and would rather read a whole table
-- and sort it than walk an index to the end of a page. So pages forbid that, until the transaction ends.
create function walk_indexes() returns void language sql as $$
  select set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('jit', 'off', true)
$$;
revoke all on function walk_indexes() from public;

-- Usage records by tenant, hour and dimension. p = {from, to, after: {tenant, hour, dimension}}. At most so many tenants are
-- looked at.
create function export_usage(p jsonb, p_limit integer, p_tenants integer) returns setof jsonb
language plpgsql stable as $$
declare
  v_after jsonb := p->'after';
  v_from timestamptz := greatest((p->>'from')::timestamptz, (v_after->>'hour')::timestamptz);
  v_tenant record;
  v_row record;
  v_given integer := 0;
  v_looked integer := 0;
begin
  perform walk_indexes();
  for v_tenant in
    select t.id, t.marketplace, t.plan from tenants t
    where t.id >= coalesce(v_after->>'tenant', '') order by t.id limit p_tenants
  loop
    v_looked := v_looked + 1;
    for v_row in
      select r.* from usage_records r
      where r.tenant_id = v_tenant.id and r.hour >= v_from and r.hour < (p->>'to')::timestamptz
        and (v_after->>'tenant' is distinct from v_tenant.id
             or (r.hour, r.dimension) > ((v_after->>'hour')::timestamptz, v_after->>'dimension'))
      order by r.hour, r.dimension limit p_limit - v_given
    loop
      v_given := v_given + 1;
      return next jsonb_build_object(
        'tenant', v_tenant.id, 'marketplace', v_tenant.marketplace, 'plan', v_tenant.plan,
        'hour', console_moment(v_row.hour), 'dimension', v_row.dimension, 'quantity', trim_scale(v_row.quantity)::text,
        'events', v_row.events::text, 'state', v_row.state, 'units', v_row.units::text, 'verdict', v_row.verdict,
        'accepted_at', console_moment(v_row.accepted_at));
    end loop;
    if v_given = p_limit then
      return next jsonb_build_object('after', jsonb_build_object(
        'tenant', v_tenant.id, 'hour', v_row.hour, 'dimension', v_row.dimension));
      return;
    end if;
    v_from := (p->>'from')::timestamptz;
  end loop;
  return next jsonb_build_object('after', case when v_looked = p_tenants then
    jsonb_build_object('tenant', v_tenant.id, 'hour', 'infinity', 'dimension', '') end);
end $$;
select door('export_usage(jsonb, integer, integer)');

-- Tenants by id, of those that were bought in a time. No owner, no person. p = {from, to, after: {tenant}}. So many are looked at.
create function export_tenants(p jsonb, p_limit integer) returns setof jsonb language plpgsql stable as $$
begin
  perform walk_indexes();
  return query
  with page as materialized (
    select * from tenants t where t.id > coalesce(p->'after'->>'tenant', '') order by t.id limit p_limit
  )
  select line from (
    select 1 as part, g.id, jsonb_build_object(
      'id', g.id, 'marketplace', g.marketplace, 'resource_id', g.resource_id, 'name', g.name, 'app', g.facts->>'app',
      'region', g.region, 'plan', g.plan, 'state', g.state, 'created_at', console_moment(g.created_at),
      'changed_at', console_moment(g.changed_at), 'ended_at', console_moment(g.ended_at)) as line
    from page g
    -- A removal that overtook its purchase left a row without a plan: it never was a tenant.
    where g.plan <> '' and g.created_at >= coalesce((p->>'from')::timestamptz, '-infinity')
      and g.created_at < coalesce((p->>'to')::timestamptz, 'infinity')
    union all
    select 2, null, jsonb_build_object('after', case when count(*) = p_limit then jsonb_build_object('tenant', max(g.id)) end)
    from page g) lines
  order by part, id;
end $$;
select door('export_tenants(jsonb, integer)');

-- Sums of one month over some tenants: what they used, by dimension, and the seconds for which they held their plan, under
-- the dimension ''. p = {from, to, after: {tenant}}: the month as far as it is wanted, the tenants after that one.
create function export_revenue(p jsonb, p_limit integer) returns setof jsonb language plpgsql stable as $$
begin
  perform walk_indexes();
  return query
  with month as (
    select (p->>'from')::timestamptz as starts, (p->>'to')::timestamptz as ends
  ), page as materialized (
    select t.id, t.marketplace, t.plan, t.state, t.created_at, t.ended_at from tenants t
    where t.id > coalesce(p->'after'->>'tenant', '') order by t.id limit p_limit
  ), used as (
    select g.marketplace, g.plan, r.dimension, count(distinct g.id) as tenants,
           sum(r.units) filter (where r.verdict in ('billed', 'billed_before')) as billed,
           sum(coalesce(r.units, r.quantity)) filter (where r.verdict is null) as waiting,
           sum(coalesce(r.units, r.quantity)) filter (where r.state in ('refused', 'expired') and r.verdict <> 'carried_over') as lost
    from month m cross join page g
    cross join lateral (
      select * from usage_records x where x.tenant_id = g.id and x.hour >= m.starts and x.hour < m.ends offset 0) r
    group by 1, 2, 3
  ), held as (
    select g.marketplace, g.plan, count(*) as tenants,
           sum(extract(epoch from least(coalesce(g.ended_at, m.ends), m.ends) - greatest(g.created_at, m.starts)))::bigint as seconds
    from month m cross join page g
    where g.state in ('active', 'suspended', 'deprovisioning', 'gone') and g.plan <> ''
      and g.created_at < m.ends and coalesce(g.ended_at, m.ends) > greatest(g.created_at, m.starts)
    group by 1, 2
  )
  select jsonb_build_object('marketplace', u.marketplace, 'plan', u.plan, 'dimension', u.dimension, 'tenants', u.tenants::text,
    'billed', coalesce(u.billed, 0)::text, 'waiting', coalesce(u.waiting, 0)::text, 'lost', coalesce(u.lost, 0)::text, 'seconds', '0')
  from used u
  union all
  select jsonb_build_object('marketplace', h.marketplace, 'plan', h.plan, 'dimension', '', 'tenants', h.tenants::text,
    'billed', '0', 'waiting', '0', 'lost', '0', 'seconds', h.seconds::text)
  from held h
  union all
  select jsonb_build_object('after', case when count(*) = p_limit then jsonb_build_object('tenant', max(g.id)) end) from page g;
end $$;
select door('export_revenue(jsonb, integer)');

-- Pictures: small tables that the worker keeps, so that no page and no tool has to read every record or every tenant. What is
-- in them is of hours that are over, and of a moment that is told beside it.

-- What was counted in an hour or a day (UTC), under the plan that the tenant had when it was summed. Hours go after 35 days.
create table usage_sums (
  step        text not null check (step in ('hour', 'day')),
  at          timestamptz not null,
  marketplace text not null,
  plan        text not null,
  dimension   text not null,
  quantity    numeric not null,
  events      bigint not null,
  primary key (step, at, marketplace, plan, dimension)
);
-- Lifecycle events by day and type, of days that are over.
create table lifecycle_days (
  day         timestamptz not null,
  marketplace text not null,
  type        text not null,
  events      bigint not null,
  primary key (day, marketplace, type)
);
-- The purchases of a month, and how many of them are still there.
create table purchase_months (
  month       timestamptz not null,
  marketplace text not null,
  plan        text not null,
  bought      bigint not null,
  active      bigint not null,
  primary key (month, marketplace, plan)
);
-- Who used most of a dimension in a month.
create table usage_tops (
  tenant_id text not null,
  month     timestamptz not null,
  dimension text not null,
  quantity  numeric not null,
  primary key (tenant_id, month, dimension)
);
create index usage_tops_order on usage_tops (month, dimension, quantity desc, tenant_id);
select wall('usage_tops', 'tenant_id');
select app_may('select on usage_tops');
create table top_rolls (
  month      timestamptz not null,
  dimension  text not null,
  counted_at timestamptz not null,
  primary key (month, dimension)
);
-- One row: up to where the others are kept.
create table picture_rolls (
  one           boolean primary key default true check (one),
  hours_through timestamptz,
  days_through  timestamptz,
  counted_at    timestamptz
);
insert into picture_rolls default values;

create index usage_months_month on usage_months using brin (month) with (pages_per_range = 16);

-- Sums hours and days that are over and not summed yet, a bounded part of them. Answers whether there is more.
create function roll_sums(v_roll picture_rolls, p_now timestamptz) returns boolean language plpgsql as $$
declare
  v_through timestamptz := (select summed_through from usage_rolls);
  v_first timestamptz := (select min(f.created_at) from console_kinds() k cross join lateral (
    select t.created_at from tenants t where t.marketplace = k.marketplace and t.plan = k.plan and t.state = k.state
    order by t.created_at limit 1) f);
  -- An event may be of an hour before its tenant was bought, by seven days.
  v_hour timestamptz := coalesce(v_roll.hours_through + interval '1 hour', date_trunc('hour', v_first - interval '8 days', 'UTC'));
  v_day timestamptz := coalesce(v_roll.days_through + interval '1 day', date_trunc('day', v_first, 'UTC'));
  -- What one call may cost: an empty hour one, one to be summed a look at every tenant.
  v_steps integer := 300;
  v_rows bigint := 200000;
  v_more bigint;
begin
  while v_hour <= v_through and v_steps > 0 and v_rows > 0 loop
    v_roll.hours_through := v_hour;
    v_hour := v_hour + interval '1 hour';
    v_steps := v_steps - 1;
    continue when not exists (select from usage_records r where r.hour = v_roll.hours_through);
    with sums as (
      select t.marketplace, t.plan, r.dimension, sum(r.quantity) as quantity, sum(r.events)::bigint as events, count(*) as records
      from usage_records r join tenants t on t.id = r.tenant_id where r.hour = v_roll.hours_through group by 1, 2, 3
    ), added as (
      insert into usage_sums as s (step, at, marketplace, plan, dimension, quantity, events)
      select b.step, b.at, n.marketplace, n.plan, n.dimension, n.quantity, n.events
      from sums n cross join (values ('hour', v_roll.hours_through), ('day', date_trunc('day', v_roll.hours_through, 'UTC'))) as b(step, at)
      where n.quantity > 0
      on conflict (step, at, marketplace, plan, dimension)
      do update set quantity = s.quantity + excluded.quantity, events = s.events + excluded.events
    )
    select coalesce(sum(records), 0) into v_more from sums;
    v_rows := v_rows - v_more;
    v_steps := v_steps - 50;
  end loop;
  -- What is written late still is within the hour.
  while v_day + interval '25 hours' <= p_now and v_steps > 0 and v_rows > 0 loop
    v_roll.days_through := v_day;
    v_day := v_day + interval '1 day';
    v_steps := v_steps - 1;
    continue when not exists (
      select from lifecycle_events e where e.recorded_at >= v_roll.days_through and e.recorded_at < v_day);
    with counts as (
      select t.marketplace, e.type, count(*) as events from lifecycle_events e join tenants t on t.id = e.tenant_id
      where e.recorded_at >= v_roll.days_through and e.recorded_at < v_day group by 1, 2
    ), added as (
      insert into lifecycle_days (day, marketplace, type, events) select v_roll.days_through, c.* from counts c
    )
    select sum(events) into v_more from counts;
    v_rows := v_rows - coalesce(v_more, 0);
    v_steps := v_steps - 50;
  end loop;
  delete from usage_sums where step = 'hour' and at < v_roll.hours_through - interval '35 days';
  update picture_rolls set hours_through = v_roll.hours_through, days_through = v_roll.days_through;
  return coalesce(v_hour <= v_through or v_day + interval '25 hours' <= p_now, false);
end $$;

-- Who used most of one dimension in a month: of the first one that was not counted within the hour, of this month and the one
-- before, until that is over. It reads the month of every tenant. Answers whether there was one.
create function roll_tops(p_now timestamptz) returns boolean language plpgsql as $$
declare
  v_month timestamptz := date_trunc('month', p_now, 'UTC');
  v_due top_rolls;
begin
  select s.month, s.dimension into v_due from (
    select distinct date_trunc('month', d.at, 'UTC') as month, d.dimension from usage_sums d
    where d.step = 'day' and d.at >= date_trunc('month', v_month - interval '1 day', 'UTC')) s
  left join top_rolls r on r.month = s.month and r.dimension = s.dimension
  where r.counted_at is null or (r.counted_at not between p_now - interval '1 hour' and p_now
                                 and r.counted_at < s.month + interval '31 days 3 hours')
  order by s.month, s.dimension limit 1;
  if v_due.month is null then
    return false;
  end if;
  delete from usage_tops where month = v_due.month and dimension = v_due.dimension;
  insert into usage_tops (tenant_id, month, dimension, quantity)
  select m.tenant_id, m.month, m.dimension, m.quantity from usage_months m
  where m.month = v_due.month and m.dimension = v_due.dimension and m.quantity > 0
  order by m.quantity desc, m.tenant_id limit 50;
  insert into top_rolls (month, dimension, counted_at) values (v_due.month, v_due.dimension, p_now)
  on conflict (month, dimension) do update set counted_at = excluded.counted_at;
  return true;
end $$;

-- Counts purchases. It reads every tenant, so once an hour.
create function roll_purchases(p_now timestamptz) returns void language plpgsql as $$
begin
  delete from purchase_months;
  insert into purchase_months (month, marketplace, plan, bought, active)
  select date_trunc('month', t.created_at, 'UTC'), t.marketplace, t.plan, count(*), count(*) filter (where t.state in ('active', 'suspended'))
  from tenants t where t.plan <> '' and t.state not in ('provisioning', 'failed') group by 1, 2, 3;
  update picture_rolls set counted_at = p_now;
end $$;
revoke all on function roll_sums(picture_rolls, timestamptz), roll_tops(timestamptz), roll_purchases(timestamptz) from public;

-- One step of the worker; one at a time. Answers whether there is more to do at once.
create function roll_pictures(p_now timestamptz) returns boolean language plpgsql as $$
declare
  v_roll picture_rolls;
begin
  if not pg_try_advisory_xact_lock(7355, 6) then
    return false;
  end if;
  -- What is there of an hour is taken for one row, and may be a million.
  perform set_config('enable_nestloop', 'off', true), set_config('jit', 'off', true), set_config('work_mem', '64MB', true);
  select * into v_roll from picture_rolls;
  if roll_sums(v_roll, p_now) or roll_tops(p_now) then
    return true;
  end if;
  if v_roll.counted_at is null or v_roll.counted_at not between p_now - interval '1 hour' and p_now then
    perform roll_purchases(p_now);
  end if;
  return false;
end $$;
select door('roll_pictures(timestamptz)');

-- For BI tools: a schema of views, and two roles. `stallholder_views` owns the views and may read the columns in them; it has
-- policies of its own, because a door's would take a door. `stallholder_reporting` may read the views. Neither logs in.
do $$
declare
  v_role text;
begin
  foreach v_role in array array['stallholder_views', 'stallholder_reporting'] loop
    begin
      execute format('create role %I nologin', v_role);
    exception
      when duplicate_object or unique_violation or insufficient_privilege then null;
    end;
  end loop;
end $$;

create schema reporting;

create view reporting.tenants as
  select t.id as tenant, t.marketplace, t.resource_id, t.plan, t.region, t.state, t.created_at as bought_at, t.changed_at, t.ended_at
  from public.tenants t where t.plan <> '';
create view reporting.usage_records as
  select r.tenant_id as tenant, r.hour, r.dimension, r.quantity, r.events, r.state, r.units, r.verdict, r.sealed_at, r.accepted_at
  from public.usage_records r;
create view reporting.usage_by_hour as
  select s.at as hour, s.marketplace, s.plan, s.dimension, s.quantity, s.events from public.usage_sums s where s.step = 'hour';
create view reporting.usage_by_day as
  select (s.at at time zone 'UTC')::date as day, s.marketplace, s.plan, s.dimension, s.quantity, s.events
  from public.usage_sums s where s.step = 'day';
create view reporting.lifecycle_by_day as
  select (d.day at time zone 'UTC')::date as day, d.marketplace, d.type, d.events from public.lifecycle_days d;
create view reporting.purchases_by_month as
  select (m.month at time zone 'UTC')::date as month, m.marketplace, m.plan, m.bought, m.active from public.purchase_months m;
create view reporting.kept_through as
  select r.hours_through + interval '1 hour' as usage, r.days_through + interval '1 day' as lifecycle, r.counted_at as purchases
  from public.picture_rolls r;

-- Where there are no such roles, or they are another owner's, the views are the owner's own: it reads no tenant's row through
-- them, and nobody else reads them.
do $$
declare
  v_view text;
  v_table text;
  v_take text := case when current_setting('server_version_num')::integer < 160000 then '' else 'with inherit false, set true' end;
begin
  execute format('grant stallholder_views to %I %s', current_user, v_take);
  grant usage, create on schema reporting to stallholder_views;
  for v_view in select c.relname from pg_class c where c.relnamespace = 'reporting'::regnamespace and c.relkind = 'v' loop
    execute format('grant select on reporting.%I to stallholder_reporting', v_view);
    execute format('alter view reporting.%I owner to stallholder_views', v_view);
  end loop;
  revoke create on schema reporting from stallholder_views;
  grant usage on schema reporting to stallholder_reporting;

  grant select on usage_sums, lifecycle_days, purchase_months, picture_rolls to stallholder_views;
  grant select (id, marketplace, resource_id, plan, region, state, created_at, changed_at, ended_at) on tenants to stallholder_views;
  grant select (tenant_id, hour, dimension, quantity, events, state, units, verdict, sealed_at, accepted_at) on usage_records
    to stallholder_views;
  foreach v_table in array array['tenants', 'usage_records'] loop
    execute format('create policy reporting on %I for select to stallholder_views using (true)', v_table);
  end loop;
  -- As a member the owner would see by these policies too.
  execute format('revoke stallholder_views from %I %s', current_user,
                 case when v_take = '' then '' else 'granted by current_user' end);
exception
  when insufficient_privilege or undefined_object then null;
end $$;

-- What the console's pictures show, of the tables above alone. p = {step, bin, from, by, dimension, month, since}.
create function console_usage(p jsonb, p_limit integer) returns jsonb language sql stable as $$
  with sums as (
    select date_trunc(p->>'bin', s.at, 'UTC') as at,
           case p->>'by' when 'plan' then s.plan when 'marketplace' then s.marketplace else s.dimension end as part,
           sum(s.quantity) as quantity
    from usage_sums s
    where s.step = p->>'step' and s.at >= (p->>'from')::timestamptz
      and (p->>'by' = 'dimension' or s.dimension = p->>'dimension')
    group by 1, 2
  ), tops as (
    select u.tenant_id, u.quantity from usage_tops u
    where u.month = (p->>'month')::timestamptz and u.dimension = p->>'dimension'
    order by u.quantity desc, u.tenant_id limit p_limit
  ), months as (
    select m.month, sum(m.bought) as bought, sum(m.active) as active from purchase_months m
    where m.month >= (p->>'since')::timestamptz group by 1
  )
  select jsonb_build_object(
    'through', (select console_moment(r.hours_through + interval '1 hour') from picture_rolls r),
    'tops_at', (select console_moment(r.counted_at) from top_rolls r
                where r.month = (p->>'month')::timestamptz and r.dimension = p->>'dimension'),
    'counted_at', (select console_moment(r.counted_at) from picture_rolls r),
    'sums', (select coalesce(jsonb_agg(jsonb_build_object('at', console_moment(s.at), 'part', s.part,
                                                          'quantity', trim_scale(s.quantity)::text)), '[]') from sums s),
    'tops', (select coalesce(jsonb_agg(jsonb_build_object(
               'tenant', u.tenant_id, 'name', coalesce(nullif(t.name, ''), t.resource_id), 'marketplace', t.marketplace, 'plan', t.plan,
               'quantity', trim_scale(u.quantity)::text) order by u.quantity desc, u.tenant_id), '[]')
             from tops u join tenants t on t.id = u.tenant_id),
    'months', (select coalesce(jsonb_agg(jsonb_build_object('month', console_moment(m.month), 'bought', m.bought, 'active', m.active)),
                               '[]') from months m))
$$;
select door('console_usage(jsonb, integer)');

-- The same sums as lines for a file, each of one plan, marketplace and dimension. p = {step, bin, from}.
create function console_usage_lines(p jsonb, p_limit integer)
returns table (at text, marketplace text, plan text, dimension text, quantity text, events text) language sql stable as $$
  select console_moment(date_trunc(p->>'bin', s.at, 'UTC')), s.marketplace, s.plan, s.dimension, trim_scale(sum(s.quantity))::text,
         sum(s.events)::text
  from usage_sums s where s.step = p->>'step' and s.at >= (p->>'from')::timestamptz
  group by 1, 2, 3, 4 order by 1, 2, 3, 4 limit p_limit
$$;
select door('console_usage_lines(jsonb, integer)');
