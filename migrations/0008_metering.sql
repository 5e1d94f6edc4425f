-- Metering: events as they come, the gate that says which hour an event is billed in, and the records made from them.
-- docs/metering.md holds the argument.

-- PostgreSQL refuses COPY into a table under row level security, so the days of usage_events stand outside the wall and
-- one role may add to them. It reads nothing; everybody reads through usage_events, which is walled.
do $$
begin
  create role usage_writer nologin noinherit;
exception
  when duplicate_object or unique_violation or insufficient_privilege then null;
end $$;

-- The serving role may take it, but does not have its rights before it does.
do $$
declare
  v_new boolean := current_setting('server_version_num')::integer >= 160000;
  v_role text;
begin
  for v_role in select rolname from pg_roles where rolname in ('stallholder_app', current_user)
                and exists (select from pg_roles where rolname = 'usage_writer') loop
    begin
      if not v_new and v_role = 'stallholder_app' then
        execute 'alter role stallholder_app noinherit';
      end if;
      execute format('grant usage_writer to %I %s', v_role, case when v_new then 'with inherit false, set true' end);
    exception
      when insufficient_privilege then null;
    end;
  end loop;
end $$;

-- Grants to whoever writes usage: the role above, the serving role where that one cannot be taken, or nobody but the
-- owner where there are no roles.
create function usage_may(privileges text) returns void
language plpgsql as $$
declare
  v_new boolean := current_setting('server_version_num')::integer >= 160000;
  v_writer oid := (select oid from pg_roles where rolname = 'usage_writer');
begin
  if v_writer is not null then
    execute format('grant %s to usage_writer', privileges);
  end if;
  if v_writer is null or not exists (select from pg_roles where rolname = 'stallholder_app'
                                     and pg_has_role(oid, v_writer, case when v_new then 'set' else 'member' end)) then
    perform app_may(privileges);
  end if;
end $$;
revoke all on function usage_may(text) from public;

-- One row. An event is stored under the gate held shared; whoever moves `sealed_through` holds it alone for a moment.
create table usage_gate (
  one            boolean primary key default true check (one),
  -- The start of the newest hour that takes no event any more.
  sealed_through timestamptz not null default 'epoch',
  -- Which of the two key tables is written; the other one is the generation before.
  generation     integer not null default 0,
  turned_at      timestamptz
);
insert into usage_gate default values;

-- One row. How far the events have been summed into records.
create table usage_rolls (
  one            boolean primary key default true check (one),
  summed_through timestamptz not null default 'epoch',
  -- Counts signs that something was stored; `rolled` is the sign up to which records are up to date.
  noted          bigint not null default 0,
  rolled         bigint not null default 0,
  rolled_at      timestamptz not null default 'epoch'
);
insert into usage_rolls default values;
select app_may('select on usage_rolls');

-- What makes a repeat a repeat: a digest of (space, tenant, id), and one of the content. In two generations, so that a
-- key is kept for at least eight days and is then dropped without a scan. It holds no tenant's data.
create table usage_keys_0 (key uuid primary key, print bigint not null);
create table usage_keys_1 (key uuid primary key, print bigint not null);
select usage_may('insert on usage_keys_0, usage_keys_1');

-- Events as acknowledged, by the day they are billed in. Never changed; a day is dropped whole.
create table usage_events (
  occurred_at timestamptz not null,
  -- The hour whose record counts it: its own, or the next one that was open when it was stored.
  billed_hour timestamptz not null,
  -- Ids of the vendor's product and ids that came with a tenant's own key are told apart.
  from_key    boolean not null,
  tenant_id   text not null,
  dimension   text not null,
  quantity    numeric not null check (quantity >= 0),
  id          text not null,
  tags        jsonb
) partition by range (billed_hour);
create index usage_events_hours on usage_events using brin (billed_hour) with (pages_per_range = 16);
select wall('usage_events', 'tenant_id');
select app_may('select on usage_events');

create schema usage_days;
select usage_may('usage on schema usage_days');

-- The quantity of one dimension in one hour. Open: still counted. From `sealed` on, nothing changes it.
create table usage_records (
  tenant_id   text not null references tenants (id),
  hour        timestamptz not null,
  dimension   text not null,
  -- Who pays, in the words of the marketplace's adapter; empty where the marketplace bills no usage.
  billing_reference text not null default '',
  quantity    numeric not null check (quantity >= 0),
  events      bigint not null,
  state       text not null check (state in ('open', 'sealed', 'sent', 'accepted', 'refused', 'expired')),
  sealed_at   timestamptz,
  accepted_at timestamptz,
  primary key (tenant_id, hour, dimension, billing_reference),
  check (state = 'open' or sealed_at is not null)
);
create index usage_records_hours on usage_records using brin (hour) with (pages_per_range = 32);
create index usage_records_waiting on usage_records (hour) where state in ('open', 'sealed', 'sent');
select wall('usage_records', 'tenant_id');
select app_may('select on usage_records');

create function keep_sealed_quantity() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
  raise exception 'a sealed usage record keeps its key and its quantity' using errcode = 'restrict_violation';
end $$;
create trigger keep_sealed_quantity before update on usage_records for each row
when (old.state in ('sealed', 'sent', 'accepted', 'refused', 'expired') and (new.state = 'open' or
      (new.tenant_id, new.hour, new.dimension, new.billing_reference, new.quantity, new.events, new.sealed_at)
      is distinct from
      (old.tenant_id, old.hour, old.dimension, old.billing_reference, old.quantity, old.events, old.sealed_at)))
execute function keep_sealed_quantity();

-- The sums of a calendar month (UTC), and when its limits were first touched. Small: read with every key.
create table usage_months (
  tenant_id  text not null references tenants (id),
  month      timestamptz not null,
  dimension  text not null,
  quantity   numeric not null,
  soft_at    timestamptz,
  hard_at    timestamptz,
  primary key (tenant_id, month, dimension)
);
select wall('usage_months', 'tenant_id');
select app_may('select on usage_months');

-- Tenants that have ended. `gated`: nobody who saw them alive is still storing. Then what is open is sealed at once.
create table usage_closings (
  tenant_id text primary key references tenants (id),
  asked_at  timestamptz not null,
  gated     boolean not null default false,
  sealed_at timestamptz
);
create index usage_closings_waiting on usage_closings (tenant_id) where sealed_at is null;
select wall('usage_closings', 'tenant_id');
select app_may('select, insert on usage_closings');

create function close_usage() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
  insert into usage_closings (tenant_id, asked_at) values (new.id, new.changed_at) on conflict do nothing;
  return null;
end $$;
create trigger close_usage after update of state on tenants for each row
when (new.state in ('failed', 'deprovisioning', 'gone') and old.state not in ('failed', 'deprovisioning', 'gone'))
execute function close_usage();

-- Takes the gate, shared, until the end of the transaction, and answers what the caller needs to judge a batch of events:
-- as it is behind the gate, since the second statement looks after the first has got in. Of tenants and keys only those
-- that are not as they should be: tenants that are not there, or have ended; keys that are there already.
create function enter_usage(p_tenants text[], p_keys uuid[])
returns table (generation integer, sealed_through timestamptz, clock timestamptz, unknown text[], closed text[],
               known uuid[], prints bigint[])
language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(7355, 1);
  return query
    select g.generation, g.sealed_through, clock_timestamp(), t.unknown, t.closed, k.keys, k.prints
    from usage_gate g,
      (select array_agg(p.id) filter (where t.id is null) as unknown,
              array_agg(p.id) filter (where t.id is not null) as closed
       from unnest(p_tenants) p(id) left join tenants t on t.id = p.id
       where t.id is null or t.state not in ('provisioning', 'active', 'suspended')
         -- Ended, or about to: whose usage is closed before it ends has a row here as well.
         or exists (select from usage_closings c where c.tenant_id = p.id)) t,
      (select array_agg(key) as keys, array_agg(print) as prints from (
         select key, print from usage_keys_0 where key = any(p_keys) union all
         select key, print from usage_keys_1 where key = any(p_keys)) both_generations) k;
end $$;
select door('enter_usage(text[], uuid[])');
select usage_may('execute on function enter_usage(text[], uuid[])');

-- Makes the days that are not there yet.
create function make_usage_days(p_days date[]) returns void
language plpgsql as $$
declare
  v_day date;
  v_name text;
begin
  perform pg_advisory_xact_lock(7355, 3);
  foreach v_day in array p_days loop
    v_name := format('usage_days.d%s', to_char(v_day, 'YYYYMMDD'));
    continue when to_regclass(v_name) is not null;
    execute format('create table %s (like usage_events including all)', v_name);
    execute format('alter table usage_events attach partition %s for values from (%L) to (%L)', v_name,
                   v_day::timestamp at time zone 'UTC', (v_day + 1)::timestamp at time zone 'UTC');
    perform usage_may(format('insert on %s', v_name));
  end loop;
end $$;
select door('make_usage_days(date[])');

-- Something was stored. Called at most twice a second by each process, not with every batch.
create function note_usage() returns void language sql as $$
  update usage_rolls set noted = noted + 1;
  select pg_notify('stallholder_due', '');
$$;
select door('note_usage()');

-- Seals every hour that ended ten minutes ago, and tenants that ended. Waits for whoever is storing, and is short: it has
-- to be a transaction of its own. Answers whether it moved anything.
create function move_usage_gate(p_now timestamptz) returns boolean
language plpgsql as $$
declare
  v_through timestamptz := date_trunc('hour', p_now - interval '70 minutes', 'UTC');
begin
  if not exists (select from usage_gate where sealed_through < v_through)
     and not exists (select from usage_closings where sealed_at is null and not gated) then
    return false;
  end if;
  perform set_config('lock_timeout', '500ms', true);
  perform pg_advisory_xact_lock(7355, 1);
  update usage_gate set sealed_through = v_through where sealed_through < v_through;
  update usage_closings set gated = true where sealed_at is null and not gated;
  return true;
end $$;
select door('move_usage_gate(timestamptz)');

-- Sums events into records. Open hours are summed again each time; what lies behind the gate, and the tenants that ended,
-- can no longer grow and are sealed. Months follow in the same transaction by the difference. Limits touched for the first
-- time in a month become lifecycle events: p_limits = [{plan, dimension, limit}]. One worker at a time; answers whether
-- there was anything to do.
create function roll_usage(p_limits jsonb, p_now timestamptz) returns boolean
language plpgsql as $$
declare
  v_roll usage_rolls;
  v_sealed timestamptz;
  v_closing text[];
  v_marks jsonb;
  v_mark record;
begin
  if not pg_try_advisory_xact_lock(7355, 2) then
    return false;
  end if;
  -- Read before anything is summed: what ends meanwhile is for the next time.
  select * into v_roll from usage_rolls;
  select sealed_through into v_sealed from usage_gate;
  select coalesce(array_agg(tenant_id), '{}') into v_closing from usage_closings where gated and sealed_at is null;
  if v_roll.noted = v_roll.rolled and v_roll.summed_through = v_sealed and v_closing = '{}'
     and v_roll.rolled_at between p_now - interval '1 minute' and p_now then
    return false;
  end if;

  with sums as materialized (
    select e.tenant_id, e.dimension, e.billed_hour as hour, sum(e.quantity) as quantity, count(*) as events,
           e.billed_hour <= v_sealed or e.tenant_id = any(v_closing) as seals
    from usage_events e where e.billed_hour > v_roll.summed_through
    group by e.tenant_id, e.dimension, e.billed_hour
  ), changed as materialized (
    select s.*, s.quantity - coalesce(r.quantity, 0) as more
    from sums s left join usage_records r
      on r.tenant_id = s.tenant_id and r.hour = s.hour and r.dimension = s.dimension and r.billing_reference = ''
    where r.state is null or (r.state = 'open' and (r.events <> s.events or s.seals))
  ), written as (
    insert into usage_records as r (tenant_id, hour, dimension, quantity, events, state, sealed_at)
    select tenant_id, hour, dimension, quantity, events, case when seals then 'sealed' else 'open' end,
           case when seals then p_now end
    from changed
    on conflict (tenant_id, hour, dimension, billing_reference) do update
      set quantity = excluded.quantity, events = excluded.events, state = excluded.state, sealed_at = excluded.sealed_at
      where r.state = 'open'
  ), months as (
    insert into usage_months as m (tenant_id, month, dimension, quantity)
    select tenant_id, date_trunc('month', hour, 'UTC'), dimension, sum(more) from changed
    group by 1, 2, 3 having sum(more) > 0
    on conflict (tenant_id, month, dimension) do update set quantity = m.quantity + excluded.quantity
    returning m.*
  )
  select jsonb_agg(jsonb_build_object('tenant', m.tenant_id, 'month', m.month, 'dimension', m.dimension,
                                      'quantity', m.quantity, 'limit', l."limit", 'soft', m.soft_at is null,
                                      'hard', m.hard_at is null and m.quantity >= l."limit"))
  into v_marks
  from months m
  join tenants t on t.id = m.tenant_id and t.state in ('provisioning', 'active', 'suspended')
  join jsonb_to_recordset(p_limits) as l(plan text, dimension text, "limit" numeric)
    on l.plan = t.plan and l.dimension = m.dimension
  where m.quantity >= l."limit" * 0.8 and (m.soft_at is null or (m.hard_at is null and m.quantity >= l."limit"));

  for v_mark in select * from jsonb_to_recordset(coalesce(v_marks, '[]')) as m(tenant text, month timestamptz,
                  dimension text, quantity numeric, "limit" numeric, soft boolean, hard boolean)
                order by m.tenant, m.month, m.dimension loop
    perform mark_usage(v_mark.tenant, mark, p_now, jsonb_build_object(
              'dimension', v_mark.dimension, 'quantity', v_mark.quantity, 'limit', v_mark."limit",
              'month', to_char(v_mark.month at time zone 'UTC', 'YYYY-MM')))
    from unnest(array['soft', 'hard'], array[v_mark.soft, v_mark.hard]) as touched(mark, first) where first;
    update usage_months
    set soft_at = coalesce(soft_at, p_now), hard_at = case when v_mark.hard then p_now else hard_at end
    where tenant_id = v_mark.tenant and month = v_mark.month and dimension = v_mark.dimension;
  end loop;

  update usage_closings set sealed_at = p_now where tenant_id = any(v_closing);
  update usage_rolls set summed_through = v_sealed, rolled = v_roll.noted, rolled_at = p_now;
  return true;
end $$;

create function mark_usage(p_tenant text, p_mark text, p_now timestamptz, p_data jsonb)
returns void language sql as $$
  select append_event(p_tenant, format('usage.%s_limit', p_mark), 'job:metering', p_now, p_now, p_data)
$$;
revoke all on function mark_usage(text, text, timestamptz, jsonb) from public;
select door('roll_usage(jsonb, timestamptz)');

-- Days are made ahead, and dropped 35 days after the last hour billed in them; keys are turned every eight days.
create function sweep_usage(p_now timestamptz) returns void
language plpgsql as $$
declare
  v_today date := (p_now at time zone 'UTC')::date;
  v_keep date;
  v_day text;
begin
  perform make_usage_days(array[v_today, v_today + 1, v_today + 2]);
  perform set_config('lock_timeout', '500ms', true);

  select (least(p_now, summed_through) at time zone 'UTC')::date - 35 into v_keep from usage_rolls;
  for v_day in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
               where i.inhparent = 'usage_events'::regclass
                 -- The planner may ask this of other tables first.
                 and case when c.relname ~ '^d[0-9]{8}$' then to_date(c.relname, '"d"YYYYMMDD') end < v_keep loop
    execute format('drop table usage_days.%I', v_day);
  end loop;

  update usage_gate set turned_at = p_now where turned_at is null;
  if exists (select from usage_gate where turned_at <= p_now - interval '8 days') then
    perform pg_advisory_xact_lock(7355, 1);
    update usage_gate set generation = generation + 1, turned_at = p_now where turned_at <= p_now - interval '8 days';
    if found then
      -- The older of the two: nobody writes it, and from now on it is the one that is written.
      execute format('truncate usage_keys_%s', (select generation % 2 from usage_gate));
    end if;
  end if;
end $$;
select door('sweep_usage(timestamptz)');

-- Records in the order of their keys, of whoever the caller may see. p_after = {tenant, hour, dimension}.
create function usage_page(p_tenant text, p_dimension text, p_from timestamptz, p_to timestamptz, p_after jsonb,
                           p_limit integer)
returns table (tenant text, dimension text, hour timestamptz, quantity numeric, state text, accepted_at timestamptz)
language sql stable as $$
  select r.tenant_id, r.dimension, r.hour, r.quantity, r.state, r.accepted_at from usage_records r
  where (p_tenant is null or r.tenant_id = p_tenant) and (p_dimension is null or r.dimension = p_dimension)
    and (p_from is null or r.hour >= p_from) and (p_to is null or r.hour < p_to)
    and (p_after is null or (r.tenant_id, r.hour, r.dimension) >
         (p_after->>'tenant', (p_after->>'hour')::timestamptz, p_after->>'dimension'))
  order by r.tenant_id, r.hour, r.dimension limit p_limit
$$;
revoke all on function usage_page(text, text, timestamptz, timestamptz, jsonb, integer) from public;
select app_may('execute on function usage_page(text, text, timestamptz, timestamptz, jsonb, integer)');

create function usage_of_all(p_dimension text, p_from timestamptz, p_to timestamptz, p_after jsonb, p_limit integer)
returns table (tenant text, dimension text, hour timestamptz, quantity numeric, state text, accepted_at timestamptz)
language sql stable as $$ select * from usage_page(null, p_dimension, p_from, p_to, p_after, p_limit) $$;
select door('usage_of_all(text, timestamptz, timestamptz, jsonb, integer)');

-- The units that no marketplace has accepted yet, by dimension. p_reporting: the marketplaces that bill usage at all.
create function metering_summary(p_reporting text[], p_now timestamptz)
returns jsonb language sql stable as $$
  with unsettled as (
    select r.dimension, r.hour, r.quantity,
           case when t.marketplace <> all(p_reporting) then 'not_billed'
                when r.state in ('refused', 'expired') then 'lost'
                when r.state in ('sealed', 'sent') and r.hour <= p_now - interval '19 hours' then 'at_risk'
                else 'waiting' end as why
    from usage_records r join tenants t on t.id = r.tenant_id
    where r.state in ('open', 'sealed', 'sent', 'refused', 'expired')
  ), units as (
    select why, jsonb_object_agg(dimension, quantity) as by_dimension
    from (select why, dimension, sum(quantity) as quantity from unsettled group by 1, 2) s group by why
  )
  select jsonb_build_object(
    'waiting', coalesce((select by_dimension from units where why = 'waiting'), '{}'),
    'at_risk', coalesce((select by_dimension from units where why = 'at_risk'), '{}'),
    'lost', coalesce((select by_dimension from units where why = 'lost'), '{}'),
    'not_billed', coalesce((select by_dimension from units where why = 'not_billed'), '{}'),
    'oldest_waiting_at', (select min(hour) from unsettled where why in ('waiting', 'at_risk')))
$$;
select door('metering_summary(text[], timestamptz)');

-- What a tenant has used in the month that begins at p_month, by dimension: asked with every key (find_key).
create function used_in_month(p_tenant text, p_month timestamptz)
returns jsonb language sql stable as $$
  select jsonb_object_agg(m.dimension, m.quantity) from usage_months m where m.tenant_id = p_tenant and m.month = p_month
$$;
select door('used_in_month(text, timestamptz)');
