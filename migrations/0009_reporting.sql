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

create index usage_records_unfrozen on usage_records (hour) where state = 'sealed' and frozen_at is null;
create index usage_records_due on usage_records (lot, expires_at) where due_at is not null;
create index usage_records_expiring on usage_records (expires_at) where state in ('sealed', 'sent') and verdict is null;

create or replace function keep_sealed_quantity() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
  raise exception 'a sealed usage record keeps its key and its quantity, a frozen one what it says, a settled one all'
    using errcode = 'restrict_violation';
end $$;
create trigger keep_sealed_quantity before update on usage_records for each row
when (old.state <> 'open' and (new.state = 'open'
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

-- The marketplace says something newer of the purchase: records that it called "not subscribed" are due again.
create function retry_billing(p_tenant text, p_reference text, p_now timestamptz)
returns integer language plpgsql as $$
declare
  v_count integer;
begin
  update usage_payers set retried_at = p_now where tenant_id = p_tenant and billing_reference = p_reference;
  update usage_records set parked = null, due_at = p_now
  where tenant_id = p_tenant and billing_reference = p_reference and parked = 'not_subscribed' and verdict is null;
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
