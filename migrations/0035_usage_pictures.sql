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
