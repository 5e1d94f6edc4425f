-- What the console says of money: before usage is sent, and what purchases come to.

-- A dry run counts like the sender how much fits into a call.
select app_may('execute on function wire_size(usage_records)');

-- Tenants by marketplace and plan, as they were when they were last counted on a day (UTC). The worker counts them once an hour:
-- a count that is kept by a trigger would be one row that every purchase of a plan waits for, and counting while somebody
-- looks would read every tenant for each look. So the page is old by an hour at most, and says so.
create table revenue_counts (
  day         timestamptz not null,
  marketplace text not null,
  plan        text not null,
  counted_at  timestamptz not null,
  -- They pay; those on trial do not yet, and are counted apart.
  active      bigint not null,
  trials      bigint not null,
  -- Of both, those that end within 90 days; and those that have ended in the last 30.
  ending      bigint not null,
  ended       bigint not null,
  primary key (day, marketplace, plan)
);

-- The worker's: does nothing when it was done within the hour, or while somebody does it.
create function count_revenue(p_now timestamptz) returns void language plpgsql as $$
declare
  v_day timestamptz := date_trunc('day', p_now, 'UTC');
begin
  if exists (select from revenue_counts c where c.day = v_day and c.counted_at between p_now - interval '1 hour' and p_now)
     or not pg_try_advisory_xact_lock(7355, 7) then
    return;
  end if;
  perform set_config('work_mem', '64MB', true);
  delete from revenue_counts c where c.day >= v_day or c.day < v_day - interval '400 days';
  insert into revenue_counts (day, marketplace, plan, counted_at, active, trials, ending, ended)
  select v_day, t.marketplace, t.plan, p_now,
         count(*) filter (where t.living and not t.trial), count(*) filter (where t.living and t.trial),
         count(*) filter (where t.living and t.until <= p_now + interval '90 days'),
         count(*) filter (where t.state in ('deprovisioning', 'gone') and t.ended_at > p_now - interval '30 days')
  from (
    select x.marketplace, x.plan, x.state, x.ended_at, x.state in ('active', 'suspended') as living,
           coalesce(l.trial, false) as trial, least(x.entitled_until, l.until) as until
    from tenants x left join (
      select a.tenant_id,
             bool_or(a.trial and coalesce((a.agreement->>'trial_until')::timestamptz > p_now, true)) as trial,
             -- What is renewed does not end by it.
             min(case when a.state = 'ending' then p_now
                      when a.agreement->>'at_end' is distinct from 'RENEW' then (a.agreement->>'end')::timestamptz end) as until
      from aws_licences a where a.tenant_id is not null and a.state in ('active', 'ending') group by 1) l on l.tenant_id = x.id
    where x.plan <> '') t
  group by 2, 3;
end $$;
select door('count_revenue(timestamptz)');

-- All that the page of revenue shows, of tables that are small: the last count, those of the days since p_from, and what was
-- counted of each dimension since p_month.
create function console_revenue(p_from timestamptz, p_month timestamptz) returns jsonb language plpgsql stable as $$
begin
  return jsonb_build_object(
    'counted_at', (select console_moment(max(c.counted_at)) from revenue_counts c),
    'through', (select console_moment(r.hours_through + interval '1 hour') from picture_rolls r),
    'lines', (select coalesce(jsonb_agg(to_jsonb(c) - 'day' - 'counted_at' order by c.marketplace, c.plan), '[]')
              from revenue_counts c where c.day = (select max(d.day) from revenue_counts d)
                and c.active + c.trials + c.ended > 0),
    'days', (select coalesce(jsonb_agg(jsonb_build_object('day', console_moment(c.day), 'plan', c.plan, 'active', c.active)
                                       order by c.day), '[]') from (
               select x.day, x.plan, sum(x.active) as active from revenue_counts x where x.day >= p_from group by 1, 2) c),
    'used', (select coalesce(jsonb_agg(to_jsonb(u)), '[]') from (
               select s.marketplace, s.plan, s.dimension, trim_scale(sum(s.quantity))::text as quantity from usage_sums s
               where s.step = 'day' and s.at >= p_month group by 1, 2, 3) u));
end $$;
select door('console_revenue(timestamptz, timestamptz)');
