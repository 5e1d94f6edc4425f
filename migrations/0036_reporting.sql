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
