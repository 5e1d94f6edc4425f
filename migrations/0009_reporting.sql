-- Reporting: from sealed usage to records that a marketplace has taken exactly once. docs/metering.md holds the argument.

-- What the marketplace says the customer is entitled to, where that goes beyond or below the plan.
alter table tenants add column limits jsonb, add column entitled_until timestamptz;

-- Who pays for a tenant's hours. An hour is paid by the row with the latest from_hour up to it, if the purchase behind
-- that row had not ended by then; one that had ended before its first hour does not count. A purchase that ended and came
-- back under the same reference has a row for each span.
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
create index usage_records_unfrozen on usage_records (hour, tenant_id)
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
-- after the end of the one before. p = {billing_reference, marketplace, lot, pace, bills, from, first_hour, dimensions}.
create function bill_to(p_tenant text, p jsonb) returns text
language plpgsql as $$
declare
  v_reference text := p->>'billing_reference';
  v_from timestamptz := (p->>'from')::timestamptz;
  v_hour timestamptz := date_trunc('hour', greatest(v_from, (p->>'first_hour')::timestamptz), 'UTC');
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
