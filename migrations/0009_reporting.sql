-- Reporting: from sealed usage to records that a marketplace has taken exactly once. docs/metering.md holds the argument.

-- What the marketplace says the customer is entitled to, where that goes beyond or below the plan.
alter table tenants add column limits jsonb, add column entitled_until timestamptz;

-- Who pays for a tenant's hours. An hour is paid by the row with the latest from_hour up to it, if the purchase behind
-- that row had not ended by then. A purchase that ended and came back under the same reference has a row for each span.
create table usage_payers (
  tenant_id         text not null references tenants (id),
  -- Opaque, made by the marketplace's adapter.
  billing_reference text not null,
  from_hour         timestamptz not null,
  marketplace       text not null,
  -- Records of one lot may travel in one call; calls of one pace share a quota.
  lot               text not null,
  pace              text not null,
  -- excess: only what lies beyond usage_included.
  bills             text not null check (bills in ('all', 'excess', 'none')),
  -- Which dimensions are metered; all where null.
  dimensions        text[],
  -- No record is stamped earlier.
  starts_at         timestamptz not null,
  ended_at          timestamptz,
  -- Nothing is taken later.
  flush_by          timestamptz,
  -- Newer news of the purchase: what was parked before is tried again.
  retried_at        timestamptz,
  primary key (tenant_id, billing_reference, from_hour),
  check ((ended_at is null) = (flush_by is null))
);
create index usage_payers_references on usage_payers (billing_reference);
select wall('usage_payers', 'tenant_id');
select app_may('select on usage_payers');

-- What a contract includes of one dimension in a period. It is used up before anything is billed.
create table usage_included (
  tenant_id         text not null references tenants (id),
  billing_reference text not null,
  dimension         text not null,
  from_at           timestamptz not null,
  until_at          timestamptz not null,
  quantity          numeric not null check (quantity >= 0),
  used              numeric not null default 0 check (used >= 0),
  primary key (tenant_id, billing_reference, dimension, from_at),
  check (from_at < until_at)
);
select wall('usage_included', 'tenant_id');
select app_may('select on usage_included');

-- Owed, but not on a record yet: fractions of a unit, what no record could hold, and what expired untaken.
create table usage_carries (
  tenant_id text not null references tenants (id),
  dimension text not null,
  balance   numeric not null check (balance >= 0),
  primary key (tenant_id, dimension)
);
create index usage_carries_whole on usage_carries (tenant_id) where balance >= 1;
select wall('usage_carries', 'tenant_id');
select app_may('select on usage_carries');

-- A record is of one tenant, one hour, one dimension, whoever pays.
set local application_name = 'stallholder door';
drop trigger keep_sealed_quantity on usage_records;
alter table usage_records
  drop constraint usage_records_pkey,
  alter column billing_reference drop default,
  alter column billing_reference drop not null,
  add primary key (tenant_id, hour, dimension),
  -- Some of its events carry tags.
  add column tagged            boolean not null default false,
  -- Frozen: what follows up to `allocations` never changes again.
  add column frozen_at         timestamptz,
  add column lot               text,
  add column stamped_at        timestamptz,
  add column carried_in        numeric,
  add column included          numeric,
  add column units             bigint check (units between 0 and 2147483647),
  add column carried_out       numeric,
  add column allocations       jsonb,
  -- The marketplace takes nothing after this. Also of a record that waits for a payer.
  add column expires_at        timestamptz,
  -- Attempts begun, and those that were answered with a definite "not applied".
  add column attempts          integer not null default 0,
  add column definite          integer not null default 0,
  -- When it is to be sent, or sent again; while `lease` is set, when that ends. Null: not to be sent (any more).
  add column due_at            timestamptz,
  add column lease             uuid,
  -- Not sent until something is heard: the marketplace said so.
  add column parked            text check (parked in ('not_subscribed')),
  add column verdict           text,
  add column message           text,
  add column marketplace_record_id text,
  add column settled_at        timestamptz,
  -- 1: an alarm was raised six hours before expires_at, 2: one hour before.
  add column alarms            integer not null default 0,
  add check (frozen_at is null or carried_in + quantity = included + units + carried_out);
update usage_records set billing_reference = null;
reset application_name;

drop index usage_records_waiting;
create index usage_records_waiting on usage_records (hour) where state in ('open', 'sealed', 'sent') and verdict is null;
create index usage_records_unfrozen on usage_records (hour)
  where state = 'sealed' and frozen_at is null and verdict is null;
create index usage_records_unbilled on usage_records (verdict) where state in ('refused', 'expired');
create index usage_records_due on usage_records (lot, expires_at) where due_at is not null;
create index usage_records_expiring on usage_records (expires_at) where state in ('sealed', 'sent') and verdict is null;

-- Records are claimed lot by lot. A lot that was answered "you are not set up for this" rests.
create table usage_lots (
  lot         text primary key,
  marketplace text not null,
  pace        text not null,
  due_at      timestamptz not null default 'epoch',
  faults      integer not null default 0,
  fault       text
);

-- When the next call of a pace may begin, by the database's clock: the quota is one of real time, for all processes.
create table usage_paces (
  pace    text primary key,
  next_at timestamptz not null
);

-- What was sent, written before it is sent; the outcome when it is known.
create table usage_attempts (
  tenant_id  text not null,
  hour       timestamptz not null,
  dimension  text not null,
  n          integer not null,
  lease      uuid not null,
  started_at timestamptz not null,
  ended_at   timestamptz,
  outcome    text,
  fault      text,
  -- The marketplace's own name for the call.
  request_id text,
  primary key (tenant_id, hour, dimension, n),
  foreign key (tenant_id, hour, dimension) references usage_records (tenant_id, hour, dimension)
);
select wall('usage_attempts', 'tenant_id');
select app_may('select on usage_attempts');

alter table usage_rolls add column beaten_through timestamptz not null default 'epoch';

create or replace function keep_sealed_quantity() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
  raise exception 'a sealed usage record keeps its key and its quantity, a frozen one what it says, a settled one all'
    using errcode = 'restrict_violation';
end $$;
create trigger keep_sealed_quantity before update on usage_records for each row
when (old.state in ('sealed', 'sent', 'accepted', 'refused', 'expired') and (new.state = 'open'
  or (new.tenant_id, new.hour, new.dimension, new.quantity, new.events, new.sealed_at)
     is distinct from (old.tenant_id, old.hour, old.dimension, old.quantity, old.events, old.sealed_at)
  or (old.frozen_at is not null and
      (new.frozen_at, new.billing_reference, new.lot, new.stamped_at, new.carried_in, new.included, new.units,
       new.carried_out, new.allocations)
      is distinct from
      (old.frozen_at, old.billing_reference, old.lot, old.stamped_at, old.carried_in, old.included, old.units,
       old.carried_out, old.allocations))
  or (old.settled_at is not null and (new.state, new.verdict, new.attempts, new.definite, new.settled_at)
      is distinct from (old.state, old.verdict, old.attempts, old.definite, old.settled_at))))
execute function keep_sealed_quantity();

-- Who pays from an hour on. Of one billing reference that is one tenant at a time: another may have it only for hours
-- after the end of the one before. p = {billing_reference, marketplace, lot, pace, bills, from, dimensions}.
create function bill_to(p_tenant text, p jsonb) returns text
language plpgsql as $$
declare
  v_reference text := p->>'billing_reference';
  v_from timestamptz := (p->>'from')::timestamptz;
  v_hour timestamptz := date_trunc('hour', (p->>'from')::timestamptz, 'UTC');
  v_dimensions text[] := (select array_agg(d) from jsonb_array_elements_text(nullif(p->'dimensions', 'null')) d);
  v_span usage_payers;
  v_end timestamptz;
begin
  perform pg_advisory_xact_lock(7355, hashtext(v_reference));
  select * into v_span from usage_payers
  where tenant_id = p_tenant and billing_reference = v_reference order by from_hour desc limit 1;
  if v_span.ended_at <= v_from then
    v_end := v_span.ended_at;
    v_span := null;
  end if;
  if v_span.tenant_id is null then
    if exists (select from usage_payers where billing_reference = v_reference and tenant_id <> p_tenant and ended_at is null) then
      return 'taken';
    end if;
    select greatest(v_hour, v_end, max(ended_at)) into v_end from usage_payers
    where billing_reference = v_reference and tenant_id <> p_tenant;
    v_hour := date_trunc('hour', coalesce(v_end, v_hour) + interval '1 hour - 1 microsecond', 'UTC');
    insert into usage_payers (tenant_id, billing_reference, from_hour, marketplace, lot, pace, bills, dimensions, starts_at)
    values (p_tenant, v_reference, v_hour, p->>'marketplace', p->>'lot', p->>'pace', p->>'bills', v_dimensions, v_from)
    -- A span that had ended before its first hour began is taken up again.
    on conflict (tenant_id, billing_reference, from_hour) do update
      set lot = excluded.lot, pace = excluded.pace, bills = excluded.bills, dimensions = excluded.dimensions,
          ended_at = null, flush_by = null;
    return 'new';
  end if;
  -- An earlier beginning is believed only for the first span: before that nobody paid.
  update usage_payers set lot = p->>'lot', pace = p->>'pace', bills = p->>'bills', dimensions = v_dimensions,
    starts_at = case when v_from < starts_at then v_from else starts_at end,
    from_hour = case when v_hour < from_hour and not exists (
                       select from usage_payers o where o.billing_reference = v_reference and o.ended_at is not null)
                     then v_hour else from_hour end
  where tenant_id = p_tenant and billing_reference = v_reference and from_hour = v_span.from_hour;
  return 'same';
end $$;
select door('bill_to(text, jsonb)');

-- The purchase ended there. Its records have to be in by p_flush_by, so they come first.
create function end_billing(p_tenant text, p_reference text, p_ended_at timestamptz, p_flush_by timestamptz, p_rules jsonb)
returns boolean language plpgsql as $$
declare
  v_span usage_payers;
begin
  perform pg_advisory_xact_lock(7355, hashtext(p_reference));
  select * into v_span from usage_payers where tenant_id = p_tenant and billing_reference = p_reference
  order by from_hour desc limit 1 for update;
  if v_span.tenant_id is null then
    return false;
  end if;
  update usage_payers set flush_by = p_flush_by,
    -- The hours after a known end may be another tenant's by now.
    ended_at = least(p_ended_at, (select min(o.from_hour) from usage_payers o where o.billing_reference = p_reference
                                  and o.tenant_id <> p_tenant and o.from_hour > v_span.from_hour))
  where tenant_id = p_tenant and billing_reference = p_reference and from_hour = v_span.from_hour;
  update usage_records r set expires_at = least(usage_deadline(r.stamped_at, rules.window_hours, rules.grace_hours), p_flush_by)
  from usage_payers p, jsonb_to_recordset(p_rules) as rules(marketplace text, window_hours integer, grace_hours integer)
  where r.tenant_id = p_tenant and r.billing_reference = p_reference and r.hour >= v_span.from_hour
    and r.state in ('sealed', 'sent') and r.verdict is null
    and (p.tenant_id, p.billing_reference, p.from_hour) = (p_tenant, p_reference, v_span.from_hour)
    and rules.marketplace = p.marketplace;
  return true;
end $$;

-- When a marketplace takes no record with this stamp any more: after its window, and some hours after the stamp's month.
create function usage_deadline(p_stamped_at timestamptz, p_window integer, p_grace integer)
returns timestamptz language sql stable parallel safe as $$
  select least(p_stamped_at + make_interval(hours => p_window),
               (date_trunc('month', p_stamped_at at time zone 'UTC') + interval '1 month' + make_interval(hours => p_grace))
                 at time zone 'UTC')
$$;
revoke all on function usage_deadline(timestamptz, integer, integer) from public;
select door('end_billing(text, text, timestamptz, timestamptz, jsonb)');

-- A newer quantity for the same period takes the place of the old one; what is used stays used.
create function include_usage(p_tenant text, p_reference text, p_dimension text, p_from timestamptz, p_until timestamptz,
                              p_quantity numeric)
returns void language sql as $$
  insert into usage_included (tenant_id, billing_reference, dimension, from_at, until_at, quantity)
  values (p_tenant, p_reference, p_dimension, p_from, p_until, p_quantity)
  on conflict (tenant_id, billing_reference, dimension, from_at)
  do update set quantity = excluded.quantity, until_at = excluded.until_at
$$;
select door('include_usage(text, text, text, timestamptz, timestamptz, numeric)');

-- The marketplace says something newer of the purchase: what waits for that, or for its next turn, is due now.
create function retry_billing(p_tenant text, p_reference text, p_now timestamptz)
returns integer language plpgsql as $$
declare
  v_count integer;
begin
  update usage_payers set retried_at = p_now where tenant_id = p_tenant and billing_reference = p_reference;
  update usage_records set parked = null, due_at = p_now
  where tenant_id = p_tenant and billing_reference = p_reference and frozen_at is not null and verdict is null
    and lease is null;
  get diagnostics v_count = row_count;
  return v_count;
end $$;
select door('retry_billing(text, text, timestamptz)');

-- As before (migrations/0008), with the key without its payer, a word on tags, and a tenant's own limits.
create or replace function roll_usage(p_limits jsonb, p_now timestamptz) returns boolean
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
           bool_or(e.tags is not null) as tagged, e.billed_hour <= v_sealed or e.tenant_id = any(v_closing) as seals
    from usage_events e where e.billed_hour > v_roll.summed_through
    group by e.tenant_id, e.dimension, e.billed_hour
  ), changed as materialized (
    select s.*, s.quantity - coalesce(r.quantity, 0) as more
    from sums s left join usage_records r
      on r.tenant_id = s.tenant_id and r.hour = s.hour and r.dimension = s.dimension
    where r.state is null or (r.state = 'open' and (r.events <> s.events or s.seals))
  ), written as (
    insert into usage_records as r (tenant_id, hour, dimension, quantity, events, tagged, state, sealed_at)
    select tenant_id, hour, dimension, quantity, events, tagged, case when seals then 'sealed' else 'open' end,
           case when seals then p_now end
    from changed
    on conflict (tenant_id, hour, dimension) do update
      set quantity = excluded.quantity, events = excluded.events, tagged = excluded.tagged, state = excluded.state,
          sealed_at = excluded.sealed_at
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
  left join jsonb_to_recordset(p_limits) as of_plan(plan text, dimension text, "limit" numeric)
    on of_plan.plan = t.plan and of_plan.dimension = m.dimension
  cross join lateral (select coalesce((t.limits->>m.dimension)::numeric, of_plan."limit") as "limit") l
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
select door('roll_usage(jsonb, timestamptz)');

drop function find_key(text);
-- Everything needed to judge one API key, and the tenant's own limits. A retiring one without `retires_at` may not end yet.
create function find_key(p_key_id text)
returns table (credential uuid, tenant text, marketplace text, key_hash text, kind text, scopes text[], state text,
               retires_at timestamptz, plan text, tenant_state text, limits jsonb)
language sql stable as $$
  select c.id, c.tenant_id, t.marketplace, c.key_hash, c.kind, c.scopes, c.state,
         case when c.state = 'retiring' then end_of(c) else c.retires_at end, t.plan, t.state, t.limits
  from credentials c join tenants t on t.id = c.tenant_id
  where c.key_id = p_key_id
$$;
select door('find_key(text)');

-- Who pays for an hour, or nothing.
create function payer_of(p_tenant text, p_hour timestamptz) returns setof usage_payers
language sql stable rows 1 as $$
  select p.* from (
    select * from usage_payers where tenant_id = p_tenant and from_hour <= p_hour
    order by from_hour desc, starts_at desc limit 1) p
  where p.ended_at is null or p_hour < p.ended_at
$$;
revoke all on function payer_of(text, timestamptz) from public;

-- Fixes what the records of the hours that are sealed will say to the marketplace, for ever: who pays, what is included,
-- what is carried over. One at a time, at most 20,000 records a call. A record without a payer waits.
-- p_rules = [{marketplace, window_hours, grace_hours, heartbeats}]. Answers whether there was anything to do.
create function freeze_usage(p_rules jsonb, p_dimensions text[], p_now timestamptz) returns boolean
language plpgsql as $$
declare
  v_hour timestamptz;
  v_frozen integer := 0;
  v_made integer;
begin
  if not pg_try_advisory_xact_lock(7355, 4) then
    return false;
  end if;
  perform set_config('work_mem', '64MB', true);
  -- What comes from JSON and from a CTE is taken for a few rows, and there are thousands.
  perform set_config('enable_nestloop', 'off', true);
  for v_hour in select distinct hour from usage_records
                where state = 'sealed' and frozen_at is null and verdict is null order by hour loop
    v_frozen := v_frozen + freeze_hour(v_hour, p_rules, 20000 - v_frozen, p_now);
    if v_frozen >= 20000 then
      return true;
    end if;
  end loop;
  v_made := add_empty_records(p_rules, p_dimensions, p_now);
  return v_frozen + v_made > 0;
end $$;

-- Takes the units of records apart by tags: largest remainders, so that the parts add up to the whole. Only what fits is
-- kept: names of 1 to 100 and values of 1 to 256 plain characters, five names and 2,500 parts a record, some 600 kB; what
-- does not fit counts as without tags. p_records = [{tenant, dimension, units, weight}], p_tags = [{tenant, dimension,
-- tags, quantity}]: what of a record's weight is not among them has no tags.
create function allocate_usage(p_records jsonb, p_tags jsonb)
returns table (tenant text, dimension text, allocations jsonb)
language sql stable as $$
  with buckets as (
    select row_number() over () as id, b.* from jsonb_to_recordset(p_tags) as b(tenant text, dimension text, tags jsonb, quantity numeric)
  ), fitting as (
    select b.id, b.tenant, b.dimension, b.quantity, t.name, t.value from buckets b, jsonb_each_text(b.tags) as t(name, value)
    where t.name ~ '^[A-Za-z0-9+ =._:/@-]+$' and length(t.name) <= 100
      and t.value ~ '^[A-Za-z0-9+ =._:/@-]+$' and length(t.value) <= 256
  ), names as (
    select tenant, dimension, name,
           row_number() over (partition by tenant, dimension order by sum(quantity) desc, name collate "C") as place
    from fitting group by 1, 2, 3
  ), reduced as (
    select tenant, dimension, tags, sum(quantity) as quantity
    from (select f.tenant, f.dimension, jsonb_object_agg(f.name, f.value) as tags, f.quantity
          from fitting f join names n on n.tenant = f.tenant and n.dimension = f.dimension and n.name = f.name and n.place <= 5
          group by f.id, f.tenant, f.dimension, f.quantity) kept
    group by 1, 2, 3
  ), ranked as (
    select *, row_number() over largest as place, sum(octet_length(tags::text) + 180) over largest as bytes
    from reduced
    window largest as (partition by tenant, dimension order by quantity desc, tags::text collate "C" rows unbounded preceding)
  ), kept as (
    select tenant, dimension, tags, quantity from ranked where place < 2500 and bytes <= 600000 and quantity > 0
  ), weighed as (
    select r.tenant, r.dimension, r.units, r.weight, k.tags, k.quantity
    from kept k join jsonb_to_recordset(p_records) as r(tenant text, dimension text, units numeric, weight numeric)
      on r.tenant = k.tenant and r.dimension = k.dimension
    union all
    select r.tenant, r.dimension, r.units, r.weight, null, r.weight - k.quantity
    from (select tenant, dimension, sum(quantity) as quantity from kept group by 1, 2) k
    join jsonb_to_recordset(p_records) as r(tenant text, dimension text, units numeric, weight numeric)
      on r.tenant = k.tenant and r.dimension = k.dimension
  ), shared as (
    select tenant, dimension, tags, div(units * quantity, weight) as whole,
           units - sum(div(units * quantity, weight)) over (partition by tenant, dimension) as missing,
           row_number() over (partition by tenant, dimension order by mod(units * quantity, weight) desc, tags is null,
                                                                      tags::text collate "C") as place
    from weighed
  ), parts as (
    select tenant, dimension, tags, whole + case when place <= missing then 1 else 0 end as units from shared
  )
  select tenant, dimension,
         jsonb_agg(jsonb_build_object('units', units, 'tags', coalesce(tags, '{}')) order by units desc, tags::text collate "C")
           filter (where units > 0)
  from parts group by 1, 2 having bool_or(tags is not null and units > 0)
$$;
revoke all on function allocate_usage(jsonb, jsonb) from public;

create function freeze_hour(p_hour timestamptz, p_rules jsonb, p_limit integer, p_now timestamptz) returns integer
language plpgsql as $$
declare
  v_count integer;
begin
  with sealed as (
    select r.tenant_id, r.dimension, r.quantity, r.tagged, r.expires_at, rules.marketplace as reports, rules.heartbeats,
           rules.window_hours, rules.grace_hours, p.billing_reference, p.marketplace, p.lot, p.pace, p.bills,
           p.flush_by, greatest(r.hour, p.starts_at) as stamped_at,
           p.bills <> 'none' and (p.dimensions is null or r.dimension = any(p.dimensions)) as metered,
           p.tenant_id is null and rules.marketplace is null
             and not exists (select from usage_payers o where o.tenant_id = r.tenant_id) as not_billed
    from usage_records r
    join tenants t on t.id = r.tenant_id
    left join lateral payer_of(r.tenant_id, p_hour) p on true
    left join jsonb_to_recordset(p_rules) as rules(marketplace text, window_hours integer, grace_hours integer,
                                                   heartbeats boolean)
      on rules.marketplace = coalesce(p.marketplace, t.marketplace)
    where r.hour = p_hour and r.state = 'sealed' and r.frozen_at is null and r.verdict is null
  ), due as materialized (
    -- What goes on waiting for a payer is left alone.
    select * from sealed where not_billed or (reports is not null and (billing_reference is not null or expires_at is null))
    limit p_limit
  ), inclusions as (
    select d.tenant_id, d.dimension, d.quantity, d.billing_reference, i.from_at, greatest(i.quantity - i.used, 0) as free,
           sum(greatest(i.quantity - i.used, 0)) over (partition by d.tenant_id, d.dimension
             order by i.until_at, i.from_at rows unbounded preceding) as so_far
    from due d
    join usage_included i on i.tenant_id = d.tenant_id and i.billing_reference = d.billing_reference
      and i.dimension = d.dimension and i.from_at < p_hour + interval '1 hour' and i.until_at > p_hour
    where d.reports is not null and d.metered and d.bills = 'excess'
  ), taken as materialized (
    select *, least(free, greatest(quantity - (so_far - free), 0)) as take from inclusions
  ), used as (
    update usage_included i set used = i.used + t.take
    from taken t where i.tenant_id = t.tenant_id and i.billing_reference = t.billing_reference
      and i.dimension = t.dimension and i.from_at = t.from_at and t.take > 0
  ), sums as (
    select d.*, coalesce(c.balance, 0) as carried_in,
           case when d.metered then coalesce(i.included, 0) else d.quantity end as included
    from due d
    left join usage_carries c on c.tenant_id = d.tenant_id and c.dimension = d.dimension
    left join (select tenant_id, dimension, sum(take) as included from taken group by 1, 2) i
      on i.tenant_id = d.tenant_id and i.dimension = d.dimension
    where d.reports is not null and d.billing_reference is not null
  ), counted as materialized (
    select s.*, case when metered then least(floor(carried_in + quantity - included), 2147483647) else 0 end as units
    from sums s
  ), carried as materialized (
    select tenant_id, dimension, carried_in, quantity - included - units as more from counted
    where quantity - included - units <> 0
  ), moved as (
    -- By the difference: what expired meanwhile may have been added.
    update usage_carries c set balance = c.balance + m.more
    from carried m where c.tenant_id = m.tenant_id and c.dimension = m.dimension and (m.more < 0 or m.carried_in > 0)
  ), opened as (
    insert into usage_carries as c (tenant_id, dimension, balance)
    select tenant_id, dimension, more from carried where more > 0 and carried_in = 0
    on conflict (tenant_id, dimension) do update set balance = c.balance + excluded.balance
  ), tags as (
    select e.tenant_id, e.dimension, e.tags, sum(e.quantity) as quantity
    from usage_events e join counted c on c.tenant_id = e.tenant_id and c.dimension = e.dimension
    where e.billed_hour = p_hour and e.tags is not null and c.tagged and c.units > 0
      and exists (select from due where tagged)
    group by 1, 2, 3
  ), allocated as materialized (
    select a.* from
      (select jsonb_agg(jsonb_build_object('tenant', tenant_id, 'dimension', dimension, 'units', units,
                                           'weight', carried_in + quantity)) as list from counted where tagged and units > 0) r,
      (select jsonb_agg(jsonb_build_object('tenant', tenant_id, 'dimension', dimension, 'tags', tags, 'quantity', quantity))
         as list from tags) t,
      allocate_usage(r.list, t.list) a
    where r.list is not null and t.list is not null
  ), lots as (
    insert into usage_lots as l (lot, marketplace, pace) select distinct on (lot) lot, marketplace, pace from counted
    on conflict (lot) do update set pace = excluded.pace where l.pace <> excluded.pace
  ), told as (
    update usage_records r set
      frozen_at = p_now, billing_reference = c.billing_reference, lot = c.lot, stamped_at = c.stamped_at,
      carried_in = c.carried_in, included = c.included, units = c.units,
      carried_out = c.carried_in + c.quantity - c.included - c.units, allocations = a.allocations,
      expires_at = least(usage_deadline(c.stamped_at, c.window_hours, c.grace_hours), c.flush_by),
      due_at = case when s.sends then p_now end,
      state = case when s.sends then 'sealed' else 'accepted' end,
      verdict = case when s.sends then null when c.metered then 'nothing_to_bill' else 'not_metered' end,
      accepted_at = case when s.sends then null else p_now end, settled_at = case when s.sends then null else p_now end
    from counted c
    left join allocated a on a.tenant = c.tenant_id and a.dimension = c.dimension
    cross join lateral (select c.units > 0 or (c.heartbeats and c.metered) as sends) s
    where r.tenant_id = c.tenant_id and r.hour = p_hour and r.dimension = c.dimension
    returning 1
  ), kept as (
    update usage_records r set verdict = 'not_billed', settled_at = p_now
    from due d where d.not_billed and r.tenant_id = d.tenant_id and r.hour = p_hour and r.dimension = d.dimension
    returning 1
  ), waiting as (
    update usage_records r set expires_at = usage_deadline(p_hour, d.window_hours, d.grace_hours)
    from due d where d.reports is not null and d.billing_reference is null and r.expires_at is null
      and r.tenant_id = d.tenant_id and r.hour = p_hour and r.dimension = d.dimension
  )
  select (select count(*) from told) + (select count(*) from kept) into v_count;
  return v_count;
end $$;
revoke all on function freeze_hour(timestamptz, jsonb, integer, timestamptz) from public;

-- Records with a quantity of 0 in the newest hour that is summed: to take a balance, and as signs of life.
create function add_empty_records(p_rules jsonb, p_dimensions text[], p_now timestamptz) returns integer
language plpgsql as $$
declare
  v_hour timestamptz;
  v_beaten timestamptz;
  v_made integer;
begin
  select summed_through, beaten_through into v_hour, v_beaten from usage_rolls;
  if v_hour = 'epoch' then
    return 0;
  end if;
  with wanted as (
    select c.tenant_id, c.dimension from usage_carries c where c.balance >= 1
    union
    select p.tenant_id, d.dimension from usage_payers p
    join jsonb_to_recordset(p_rules) as rules(marketplace text, heartbeats boolean)
      on rules.marketplace = p.marketplace and rules.heartbeats
    cross join lateral unnest(coalesce(p.dimensions, p_dimensions)) as d(dimension)
    where v_beaten < v_hour and p.from_hour <= v_hour and (p.ended_at is null or v_hour < p.ended_at)
  )
  insert into usage_records (tenant_id, hour, dimension, quantity, events, state, sealed_at)
  select w.tenant_id, v_hour, w.dimension, 0, 0, 'sealed', p_now
  from wanted w cross join lateral payer_of(w.tenant_id, v_hour) p
  where p.bills <> 'none' and (p.dimensions is null or w.dimension = any(p.dimensions))
    and exists (select from jsonb_to_recordset(p_rules) as rules(marketplace text) where rules.marketplace = p.marketplace)
  on conflict do nothing;
  get diagnostics v_made = row_count;
  if v_beaten < v_hour then
    update usage_rolls set beaten_through = v_hour;
  end if;
  return v_made;
end $$;
revoke all on function add_empty_records(jsonb, text[], timestamptz) from public;
select door('freeze_usage(jsonb, text[], timestamptz)');

-- Reserves a call of a pace; answers how many milliseconds to wait for it, or null when that would be more than p_most_ms.
create function take_pace(p_pace text, p_calls_per_second numeric, p_most_ms integer) returns integer
language plpgsql as $$
declare
  v_next timestamptz;
  v_now timestamptz;
begin
  insert into usage_paces (pace, next_at) values (p_pace, clock_timestamp()) on conflict do nothing;
  select next_at into v_next from usage_paces where pace = p_pace for update;
  v_now := clock_timestamp();
  -- Further ahead than anybody waits: the database's clock was set back.
  if v_next < v_now or v_next > v_now + interval '1 minute' then
    v_next := v_now;
  end if;
  if v_next > v_now + p_most_ms * interval '1 millisecond' then
    return null;
  end if;
  update usage_paces set next_at = v_next + interval '1 second' / p_calls_per_second where pace = p_pace;
  return ceil(extract(epoch from v_next - v_now) * 1000);
end $$;
revoke all on function take_pace(text, numeric, integer) from public;

-- How large a record is on its way, about.
create function wire_size(r usage_records) returns integer language sql stable as $$
  select 220 + 2 * octet_length(r.billing_reference) + octet_length(r.dimension)
         + coalesce(octet_length(r.allocations::text) + 180 * jsonb_array_length(r.allocations), 0)
$$;
revoke all on function wire_size(usage_records) from public;

create function begin_attempts(p_lease uuid, p_keys usage_records[], p_now timestamptz, p_until timestamptz) returns jsonb
language sql as $$
  with begun as (
    update usage_records r set state = 'sent', attempts = r.attempts + 1, lease = p_lease, due_at = p_until
    from unnest(p_keys) k where r.tenant_id = k.tenant_id and r.hour = k.hour and r.dimension = k.dimension
    returning r.*
  ), noted as (
    insert into usage_attempts (tenant_id, hour, dimension, n, lease, started_at)
    select tenant_id, hour, dimension, attempts, p_lease, p_now from begun
  )
  select jsonb_agg(jsonb_build_object('tenant', tenant_id, 'hour', hour, 'dimension', dimension,
           'billing_reference', billing_reference, 'stamped_at', stamped_at, 'units', units,
           'allocations', coalesce(allocations, '[]')) order by expires_at, tenant_id, hour, dimension) from begun
$$;
revoke all on function begin_attempts(uuid, usage_records[], timestamptz, timestamptz) from public;

-- The next batch: of the lot whose most urgent record is the most urgent of all. What is answered has been written down as
-- an attempt and is the caller's until p_until; its call has its place in the pace, wait_ms from now. Null: nothing is due.
-- p_most = [{marketplace, records, bytes, calls_per_second}].
create function claim_usage(p_most jsonb, p_wait_ms integer, p_now timestamptz, p_until timestamptz) returns jsonb
language plpgsql as $$
declare
  v_lot record;
  v_keys usage_records[];
  v_wait integer;
  v_lease uuid := gen_random_uuid();
begin
  for v_lot in
    select l.lot, l.pace, m.*, first.expires_at from usage_lots l
    join jsonb_to_recordset(p_most) as m(marketplace text, records integer, bytes integer, calls_per_second numeric)
      on m.marketplace = l.marketplace
    cross join lateral (select r.expires_at from usage_records r where r.lot = l.lot and r.due_at is not null
                          and r.due_at <= p_now and r.expires_at > p_now order by r.expires_at limit 1) first
    where l.due_at <= p_now order by first.expires_at
  loop
    v_wait := take_pace(v_lot.pace, v_lot.calls_per_second, p_wait_ms);
    continue when v_wait is null;
    select array_agg(s.r) into v_keys from (
      select f.r, row_number() over urgent as place, sum(wire_size(f.r)) over urgent as bytes from (
        select r from usage_records r
        where r.lot = v_lot.lot and r.due_at is not null and r.due_at <= p_now and r.expires_at > p_now
        order by r.expires_at limit v_lot.records for update skip locked) f
      window urgent as (order by (f.r).expires_at, (f.r).tenant_id, (f.r).hour, (f.r).dimension rows unbounded preceding)
    ) s where s.place = 1 or s.bytes <= v_lot.bytes;
    continue when v_keys is null;
    return jsonb_build_object('lease', v_lease, 'lot', v_lot.lot, 'marketplace', v_lot.marketplace, 'wait_ms', v_wait,
                              'records', begin_attempts(v_lease, v_keys, p_now, p_until));
  end loop;
  return null;
end $$;
select door('claim_usage(jsonb, integer, timestamptz, timestamptz)');

-- A further attempt with some records of a batch, which renews their lease. Without a place in the pace they are given
-- back. p_keys = [{tenant, hour, dimension}]; answers as claim_usage, with those that are still the caller's.
create function resend_usage(p_lease uuid, p_keys jsonb, p_calls_per_second numeric, p_wait_ms integer, p_now timestamptz,
                             p_until timestamptz)
returns jsonb language plpgsql as $$
declare
  v_keys usage_records[];
  v_lot usage_lots;
  v_wait integer;
begin
  select array_agg(f.r) into v_keys from (
    select r from usage_records r
    join jsonb_to_recordset(p_keys) as k(tenant text, hour timestamptz, dimension text)
      on r.tenant_id = k.tenant and r.hour = k.hour and r.dimension = k.dimension
    where r.lease = p_lease order by r.tenant_id, r.hour, r.dimension for update of r) f;
  if v_keys is null then
    return null;
  end if;
  select * into v_lot from usage_lots where lot = (v_keys[1]).lot;
  v_wait := take_pace(v_lot.pace, p_calls_per_second, p_wait_ms);
  if v_wait is null then
    update usage_records r set lease = null, due_at = p_now from unnest(v_keys) k
    where r.tenant_id = k.tenant_id and r.hour = k.hour and r.dimension = k.dimension;
    return null;
  end if;
  return jsonb_build_object('lease', p_lease, 'lot', v_lot.lot, 'marketplace', v_lot.marketplace, 'wait_ms', v_wait,
                            'records', begin_attempts(p_lease, v_keys, p_now, p_until));
end $$;
select door('resend_usage(uuid, jsonb, numeric, integer, timestamptz, timestamptz)');

-- Tells tenants' histories what became of records, one event for each tenant and type. p_told = [{tenant, type, told}].
create function tell_of_usage(p_told jsonb, p_now timestamptz) returns void
language plpgsql as $$
declare
  v_one record;
begin
  for v_one in select t.tenant, t.type, jsonb_agg(t.told order by t.told->>'hour', t.told->>'dimension') as records
               from jsonb_to_recordset(p_told) as t(tenant text, type text, told jsonb)
               group by 1, 2 order by 1, 2 loop
    perform append_event(v_one.tenant, v_one.type, 'job:metering', p_now, p_now, jsonb_build_object('records', v_one.records));
  end loop;
end $$;
revoke all on function tell_of_usage(jsonb, timestamptz) from public;

-- What an attempt came to, for the records that are still the caller's: whoever lost its lease changes nothing. Counts are
-- read from the rows under lock. p_results = [{tenant, hour, dimension, kind, id, fault}]; kinds: billed, shadow,
-- held_another, not_subscribed, not_taken, throttled, unknown, misconfigured, split (refused together with others),
-- refused and too_old (alone). Answers what was settled: [{verdict, records, units}].
create function settle_usage(p_lease uuid, p_results jsonb, p_request_id text, p_now timestamptz) returns jsonb
language plpgsql as $$
declare
  v_settled jsonb;
  v_told jsonb;
begin
  with held as materialized (
    select r.tenant_id, r.hour, r.dimension, r.lot, r.units, r.attempts, g.kind, g.id, g.fault,
           r.definite + case when g.kind in ('billed', 'shadow', 'held_another', 'unknown') then 0 else 1 end as definite
    from usage_records r
    join jsonb_to_recordset(p_results) as g(tenant text, hour timestamptz, dimension text, kind text, id text, fault text)
      on r.tenant_id = g.tenant and r.hour = g.hour and r.dimension = g.dimension
    where r.lease = p_lease order by r.tenant_id, r.hour, r.dimension for update of r
  ), judged as materialized (
    select h.*,
      case kind
        when 'billed' then 'billed'
        when 'shadow' then 'shadow'
        -- This attempt is one of those that are not definite; any other one may be what it holds.
        when 'held_another' then case when attempts - definite > 1 then 'billed_before' else 'conflict' end
        when 'refused' then 'rejected'
        when 'too_old' then too_late(tenant_id, attempts > definite)
      end as verdict,
      kind = 'not_subscribed' and not exists (
        -- Newer news than this attempt: then its answer is out of date already.
        select from usage_attempts a join usage_records r using (tenant_id, hour, dimension)
        join usage_payers p on p.tenant_id = r.tenant_id and p.billing_reference = r.billing_reference
        where (a.tenant_id, a.hour, a.dimension, a.n) = (h.tenant_id, h.hour, h.dimension, h.attempts)
          and p.retried_at >= a.started_at) as parks
    from held h
  ), noted as (
    update usage_attempts a set ended_at = p_now, outcome = j.kind, fault = j.fault, request_id = p_request_id
    from judged j where (a.tenant_id, a.hour, a.dimension, a.n) = (j.tenant_id, j.hour, j.dimension, j.attempts)
  ), carried as (
    insert into usage_carries as c (tenant_id, dimension, balance)
    select tenant_id, dimension, sum(units) from judged where verdict = 'carried_over'
    group by 1, 2 having sum(units) > 0 order by 1, 2
    on conflict (tenant_id, dimension) do update set balance = c.balance + excluded.balance
  ), rested as (
    update usage_lots l set
      faults = case when f.fault is null then 0 else l.faults + 1 end, fault = f.fault,
      due_at = case when f.fault is null then p_now
                    else p_now + least(300, 5 * 2 ^ least(l.faults, 6)) * interval '1 second' end
    from (select lot, max(coalesce(fault, '')) filter (where kind = 'misconfigured') as fault from judged
          where kind not in ('unknown', 'throttled') group by lot) f
    where l.lot = f.lot and (f.fault is not null or l.faults > 0)
  ), slowed as (
    update usage_paces p set next_at = greatest(p.next_at, clock_timestamp()) + interval '1 second'
    where p.pace in (select l.pace from usage_lots l join judged j on j.lot = l.lot and j.kind = 'throttled')
  ), settled as (
    update usage_records r set
      definite = j.definite, verdict = j.verdict, message = j.fault, marketplace_record_id = j.id,
      state = case when j.verdict in ('billed', 'billed_before', 'shadow') then 'accepted'
                   when j.verdict in ('conflict', 'rejected') then 'refused'
                   when j.verdict is not null then 'expired'
                   when j.attempts > j.definite then 'sent' else 'sealed' end,
      settled_at = case when j.verdict is not null then p_now end,
      accepted_at = case when j.verdict in ('billed', 'billed_before', 'shadow') then p_now end,
      parked = case when j.parks then 'not_subscribed' end,
      lease = case when j.kind = 'split' then p_lease end,
      due_at = case when j.verdict is not null or j.parks then null
                    when j.kind = 'split' then r.due_at
                    when j.kind = 'misconfigured' then p_now
                    else p_now + (0.75 + random() / 2) * least(60, 2 ^ least(j.attempts, 6)) * interval '1 second' end
    from judged j where r.tenant_id = j.tenant_id and r.hour = j.hour and r.dimension = j.dimension
    returning r.tenant_id, r.hour, r.dimension, r.verdict, r.units, r.message
  )
  select jsonb_agg(jsonb_build_object('verdict', s.verdict, 'tenant', s.tenant_id, 'units', s.units)),
         jsonb_agg(jsonb_build_object('tenant', s.tenant_id,
           'type', case s.verdict when 'conflict' then 'usage.conflict' else 'usage.lost' end,
           'told', jsonb_build_object('hour', s.hour, 'dimension', s.dimension, 'units', s.units, 'why', s.verdict,
                                      'message', s.message)))
           filter (where s.verdict in ('conflict', 'rejected', 'too_late', 'too_late_unknown'))
  into v_settled, v_told from settled s where s.verdict is not null;
  perform tell_of_usage(coalesce(v_told, '[]'), p_now);
  return coalesce(v_settled, '[]');
end $$;

-- What a record that was not taken in time has come to. Its units go to a later one only where no attempt can have been
-- applied, and where there will be a later one.
create function too_late(p_tenant text, p_unknown boolean) returns text
language sql stable as $$
  select case when p_unknown then 'too_late_unknown'
              when exists (select from usage_closings c where c.tenant_id = p_tenant and c.sealed_at is not null) then 'too_late'
              else 'carried_over' end
$$;
revoke all on function too_late(text, boolean) from public;
select door('settle_usage(uuid, jsonb, text, timestamptz)');

-- Ends the records whose time is over and that nobody holds, but for those of the marketplaces p_dry. At most p_limit;
-- answers [{verdict, tenant, units}].
create function expire_usage(p_dry text[], p_now timestamptz, p_limit integer) returns jsonb
language plpgsql as $$
declare
  v_expired jsonb;
  v_told jsonb;
begin
  with late as materialized (
    select r.tenant_id, r.hour, r.dimension, coalesce(r.units, r.quantity) as units,
           case when r.frozen_at is null then 'no_payer'
                when r.parked is not null and r.attempts = r.definite then r.parked
                else too_late(r.tenant_id, r.attempts > r.definite) end as verdict
    from usage_records r
    where r.state in ('sealed', 'sent') and r.verdict is null and r.expires_at <= p_now
      and (r.lease is null or r.due_at <= p_now)
      and (p_dry = '{}' or not exists (select from tenants t where t.id = r.tenant_id and t.marketplace = any(p_dry)))
    order by r.expires_at limit p_limit for update skip locked
  ), carried as (
    insert into usage_carries as c (tenant_id, dimension, balance)
    select tenant_id, dimension, sum(units) from late where verdict = 'carried_over'
    group by 1, 2 having sum(units) > 0 order by 1, 2
    on conflict (tenant_id, dimension) do update set balance = c.balance + excluded.balance
  ), ended as (
    update usage_records r set verdict = l.verdict, settled_at = p_now, due_at = null, lease = null,
      state = case l.verdict when 'not_subscribed' then 'refused' else 'expired' end
    from late l where r.tenant_id = l.tenant_id and r.hour = l.hour and r.dimension = l.dimension
  )
  select jsonb_agg(jsonb_build_object('verdict', verdict, 'tenant', tenant_id, 'units', units)),
         jsonb_agg(jsonb_build_object('tenant', tenant_id, 'type', 'usage.lost', 'told', jsonb_build_object(
           'hour', hour, 'dimension', dimension, 'units', units, 'why', verdict)))
           filter (where verdict <> 'carried_over' and units > 0)
  into v_expired, v_told from late;
  perform tell_of_usage(coalesce(v_told, '[]'), p_now);
  return coalesce(v_expired, '[]');
end $$;
select door('expire_usage(text[], timestamptz, integer)');

-- Raises the alarm for records that have waited for five minutes and are close to their end: six hours, and one. Each
-- record once for either. Answers how many of them: {"6": n, "1": n}.
create function alarm_usage(p_now timestamptz, p_limit integer) returns jsonb
language plpgsql as $$
declare
  v_raised jsonb;
  v_told jsonb;
begin
  with near as materialized (
    select r.tenant_id, r.hour, r.dimension, coalesce(r.units, r.quantity) as units, r.expires_at,
           case when r.expires_at <= p_now + interval '1 hour' then 2 else 1 end as level
    from usage_records r
    where r.state in ('sealed', 'sent') and r.verdict is null and r.sealed_at <= p_now - interval '5 minutes'
      and r.expires_at > p_now and r.expires_at <= p_now + interval '6 hours'
      and r.alarms < case when r.expires_at <= p_now + interval '1 hour' then 2 else 1 end
    order by r.expires_at limit p_limit for update skip locked
  ), raised as (
    update usage_records r set alarms = n.level
    from near n where r.tenant_id = n.tenant_id and r.hour = n.hour and r.dimension = n.dimension
  )
  select jsonb_build_object('6', count(*) filter (where level = 1), '1', count(*) filter (where level = 2)),
         jsonb_agg(jsonb_build_object('tenant', tenant_id, 'type', 'usage.at_risk', 'told', jsonb_build_object(
           'hour', hour, 'dimension', dimension, 'units', units, 'until', expires_at)))
  into v_raised, v_told from near;
  perform tell_of_usage(coalesce(v_told, '[]'), p_now);
  return v_raised;
end $$;
select door('alarm_usage(timestamptz, integer)');

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
