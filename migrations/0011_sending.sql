-- Sending: attempts, their pace, what they came to, and what time ends. docs/metering.md holds the argument.

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

-- For the rest of a transaction. All records of an hour become due in one moment, and until the statistics say so they are
-- taken for a few: whoever claims or settles would read and sort all of them for each batch.
create function go_by_index() returns void language sql as $$
  select set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
         set_config('enable_sort', 'off', true), set_config('enable_hashjoin', 'off', true),
         set_config('enable_mergejoin', 'off', true)
$$;
revoke all on function go_by_index() from public;

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
  perform go_by_index();
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
  perform go_by_index();
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

-- Attempts are kept for 90 days after their record has ended, and go hour by hour; this is how far that has come.
create table usage_forgetting (hour timestamptz not null);

-- Drops old attempts: at most p_limit, and of at most a week of hours. It waits at an hour whose records ended late.
create function forget_usage_attempts(p_now timestamptz, p_limit integer) returns integer
language plpgsql as $$
declare
  v_until timestamptz := p_now - interval '90 days';
  v_hour timestamptz;
  v_most timestamptz;
  v_gone integer := 0;
  v_these integer;
begin
  if not exists (select from usage_forgetting) then
    insert into usage_forgetting
    select date_trunc('hour', least(v_until, (select min(a.hour) from usage_attempts a)), 'UTC');
  end if;
  select hour into v_hour from usage_forgetting for update skip locked;
  v_most := least(v_until, v_hour + interval '7 days');
  while v_hour < v_most and v_gone < p_limit loop
    delete from usage_attempts a using (
      select o.tenant_id, o.hour, o.dimension, o.n
      from usage_records r join usage_attempts o using (tenant_id, hour, dimension)
      where r.hour = v_hour and r.settled_at < v_until limit p_limit - v_gone) old
    where (a.tenant_id, a.hour, a.dimension, a.n) = (old.tenant_id, old.hour, old.dimension, old.n);
    get diagnostics v_these = row_count;
    v_gone := v_gone + v_these;
    exit when exists (select from usage_records r join usage_attempts a using (tenant_id, hour, dimension)
                      where r.hour = v_hour);
    v_hour := v_hour + interval '1 hour';
  end loop;
  update usage_forgetting set hour = v_hour where hour < v_hour;
  return v_gone;
end $$;
select door('forget_usage_attempts(timestamptz, integer)');
