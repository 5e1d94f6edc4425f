-- Who hears of lifecycle events, what each is still to be told, and how every attempt went.

-- The vendor's own: no tenant in it.
create table endpoints (
  id            text primary key check (id ~ '^ep_[a-z2-7]{26}$'),
  kind          text not null check (kind in ('http', 'eventbridge', 'listener')),
  name          text not null default '',
  -- Where: an address, or a bus and its region; a listener comes and asks.
  url           text,
  bus           text,
  region        text,
  -- Exact types, or `suspend*` for all that begin so; null is every type of ours.
  types         text[],
  -- Hears of this tenant alone.
  only_tenant   text,
  -- Gets made-up events too.
  test          boolean not null default false,
  -- off: as the vendor wishes, and nothing is owed meanwhile. disabled: given up by us; what happens is owed all the same.
  state         text not null check (state in ('on', 'off', 'disabled')),
  reason        text,
  -- Newest first, sealed: [{id, sealed, ends_at}].
  secrets       jsonb not null default '[]',
  -- Since when every attempt has failed.
  failing_since timestamptz,
  -- It asked to be left alone until then.
  quiet_until   timestamptz,
  -- A listener that is not heard of again by then is gone.
  ends_at       timestamptz,
  created_at    timestamptz not null,
  changed_at    timestamptz not null
);
select app_may('select, insert, update, delete on endpoints');

-- A lifecycle event that an endpoint is still to be told, or was told. Numbers are the event's own: they are the order.
create table owed_events (
  tenant_id   text not null,
  endpoint_id text not null,
  event_id    uuid not null,
  -- Null for a made-up event: it has no place in any order, and its whole text is in `made_up`.
  sequence    bigint,
  made_up     jsonb,
  state       text not null check (state in ('owed', 'delivered', 'given_up')),
  last_fault  text,
  created_at  timestamptz not null,
  ended_at    timestamptz,
  primary key (tenant_id, endpoint_id, event_id)
);
create index owed_events_order on owed_events (endpoint_id, tenant_id, sequence) where state = 'owed';
create index owed_events_age on owed_events (endpoint_id, created_at) where state = 'owed';
create index owed_events_ended on owed_events (ended_at) where state <> 'owed';
select wall('owed_events', 'tenant_id');
select app_may('select on owed_events');

-- A row for each tenant of whom an endpoint is owed anything: when its first event is due, and how often that was tried. To
-- look for work is to look here, however much is owed behind. Whoever owes an event locks the row, and so does whoever ends
-- one: neither misses the other.
create table event_queues (
  tenant_id       text not null,
  endpoint_id     text not null,
  due_at          timestamptz not null,
  attempts        integer not null default 0,
  lease           uuid,
  lease_until     timestamptz,
  first_failed_at timestamptz,
  primary key (tenant_id, endpoint_id)
);
create index event_queues_due on event_queues (endpoint_id, due_at);
select wall('event_queues', 'tenant_id');
select app_may('select on event_queues');

-- One attempt, written when its answer (or its silence) is known.
create table event_deliveries (
  tenant_id    text not null,
  id           uuid not null default gen_random_uuid(),
  endpoint_id  text not null,
  event_id     uuid not null,
  type         text not null,
  attempt      integer not null,
  started_at   timestamptz not null,
  milliseconds integer not null,
  outcome      text not null check (outcome in ('delivered', 'retry', 'given_up', 'disabled')),
  status       integer,
  fault        text,
  -- When the next attempt is due.
  next_at      timestamptz,
  primary key (tenant_id, id)
);
create index event_deliveries_of on event_deliveries (endpoint_id, started_at desc, id);
create index event_deliveries_age on event_deliveries using brin (started_at);
select wall('event_deliveries', 'tenant_id');
select app_may('select on event_deliveries');

-- Events since some time, of all tenants.
create index lifecycle_events_recorded on lifecycle_events (recorded_at);

-- Whether a type is among those chosen. What others have put into a history is so only where it is asked for by name.
create function fits_types(p_types text[], p_type text) returns boolean
language sql stable as $$
  select case when p_types is null then not starts_with(p_type, 'external.')
              else exists (select from unnest(p_types) t
                           where t = p_type or (right(t, 1) = '*' and starts_with(p_type, left(t, -1)))) end
$$;

create function wants_event(e endpoints, p_type text, p_tenant text) returns boolean
language sql stable as $$
  select (e.only_tenant is null or e.only_tenant = p_tenant) and fits_types(e.types, p_type)
$$;
revoke all on function fits_types(text[], text), wants_event(endpoints, text, text) from public;

-- Every event is owed to whoever wants it, in the transaction that writes it: there is no moment at which it could be lost.
create function owe_events() returns trigger
language plpgsql as $$
begin
  if not exists (select from endpoints where state <> 'off') then
    return null;
  end if;
  insert into owed_events (tenant_id, endpoint_id, event_id, sequence, state, created_at)
  select n.tenant_id, e.id, n.id, n.sequence, 'owed', n.recorded_at
  from fresh n join endpoints e on e.state <> 'off' and wants_event(e, n.type, n.tenant_id);
  if not found then
    return null;
  end if;
  -- Without a change the update still locks, which is what it is for.
  insert into event_queues as q (tenant_id, endpoint_id, due_at)
  select n.tenant_id, e.id, min(n.recorded_at)
  from fresh n join endpoints e on e.state <> 'off' and wants_event(e, n.type, n.tenant_id)
  group by 1, 2 order by 1, 2
  on conflict (tenant_id, endpoint_id) do update set due_at = q.due_at;
  -- NOTIFY makes commits wait for each other, so at most one is on its way.
  if pg_try_advisory_xact_lock(7355609) then
    perform pg_notify('stallholder_due', '');
  end if;
  return null;
end $$;
select door('owe_events()');
create trigger owe_events after insert on lifecycle_events referencing new table as fresh
for each statement execute function owe_events();

-- The first event of each queue that is due, leased to the caller.
create function claim_events_of(e endpoints, p_now timestamptz, p_until timestamptz, p_limit integer)
returns setof jsonb language sql as $$
  with due as (
    select q.tenant_id from event_queues q
    where q.endpoint_id = e.id and q.due_at <= p_now and (q.lease_until is null or q.lease_until <= p_now)
    order by q.due_at limit greatest(p_limit, 0) for update skip locked
  ), claimed as (
    update event_queues q set lease = gen_random_uuid(), lease_until = p_until, attempts = q.attempts + 1
    from due where q.tenant_id = due.tenant_id and q.endpoint_id = e.id
    returning q.tenant_id, q.lease, q.attempts
  )
  select jsonb_build_object(
    'owed', to_jsonb(o) || jsonb_build_object('lease', c.lease, 'attempts', c.attempts), 'event', to_jsonb(l),
    'tenant', jsonb_build_object('marketplace', t.marketplace, 'resource_id', t.resource_id), 'endpoint', to_jsonb(e))
  from claimed c
  cross join lateral (
    select * from owed_events x where x.endpoint_id = e.id and x.tenant_id = c.tenant_id and x.state = 'owed'
    order by x.sequence limit 1
  ) o
  left join lifecycle_events l on l.tenant_id = o.tenant_id and l.sequence = o.sequence
  left join tenants t on t.id = o.tenant_id
$$;
revoke all on function claim_events_of(endpoints, timestamptz, timestamptz, integer) from public;

-- Due events for a worker: of each endpoint as many as it has free places for, and the first of each tenant alone, so that
-- nobody waits behind a slow receiver but its own events. p_places = {kind: n}, p_busy = {endpoint: n}.
create function claim_events(p_places jsonb, p_busy jsonb, p_now timestamptz, p_until timestamptz)
returns setof jsonb language plpgsql as $$
declare
  e endpoints;
begin
  for e in select * from endpoints where state = 'on' and kind <> 'listener'
             and (quiet_until is null or quiet_until <= p_now) order by id loop
    return query select claim_events_of(e, p_now, p_until, coalesce((p_places->>e.kind)::integer, 0)
                                                           - coalesce((p_busy->>e.id)::integer, 0));
  end loop;
end $$;
select door('claim_events(jsonb, jsonb, timestamptz, timestamptz)');

-- Due events for a listener, which is heard of by asking.
create function hear_events(p_endpoint text, p_now timestamptz, p_until timestamptz, p_limit integer)
returns setof jsonb language plpgsql as $$
declare
  e endpoints;
begin
  update endpoints set ends_at = p_now + interval '2 minutes' where id = p_endpoint and kind = 'listener' returning * into e;
  return query select claim_events_of(e, p_now, p_until, p_limit);
end $$;
select door('hear_events(text, timestamptz, timestamptz, integer)');

-- An attempt is over; nothing happens when the lease has gone to somebody else meanwhile. p = {type, attempt, started_at,
-- milliseconds, outcome, status, fault, due_at, quiet_until, gone, spent}. An event whose tries are spent is given up
-- where the endpoint took others meanwhile; where it took nothing, the endpoint is at fault: it is disabled and keeps what
-- it is owed. What was made up is tried once. Answers the outcome, or null.
create function settle_event(p_tenant text, p_endpoint text, p_event uuid, p_lease uuid, p jsonb, p_now timestamptz)
returns text language plpgsql as $$
declare
  v_endpoint endpoints;
  v_queue event_queues;
  v_owed owed_events;
  v_outcome text := p->>'outcome';
  v_delivered boolean := v_outcome = 'delivered';
begin
  -- The tenant, then the endpoint, then the queue, as everywhere.
  if not v_delivered then
    perform from tenants where id = p_tenant for no key update;
  end if;
  select * into v_endpoint from endpoints where id = p_endpoint for no key update;
  select * into v_queue from event_queues
  where tenant_id = p_tenant and endpoint_id = p_endpoint and lease = p_lease for update;
  select * into v_owed from owed_events
  where tenant_id = p_tenant and endpoint_id = p_endpoint and event_id = p_event and state = 'owed';
  if v_queue.lease is null or v_owed.event_id is null then
    return null;
  end if;

  if v_delivered then
    update endpoints set failing_since = null, quiet_until = null where id = p_endpoint and failing_since is not null;
  else
    update endpoints set failing_since = coalesce(failing_since, p_now),
           quiet_until = coalesce((p->>'quiet_until')::timestamptz, quiet_until)
    where id = p_endpoint returning * into v_endpoint;
    if v_owed.made_up is not null then
      v_outcome := 'given_up';
    elsif (p->>'gone')::boolean
       or ((p->>'spent')::boolean and v_endpoint.failing_since <= coalesce(v_queue.first_failed_at, p_now)) then
      v_outcome := 'disabled';
    elsif (p->>'spent')::boolean then
      v_outcome := 'given_up';
    end if;
  end if;

  update owed_events set last_fault = p->>'fault',
    state = case when v_outcome in ('delivered', 'given_up') then v_outcome else 'owed' end,
    ended_at = case when v_outcome in ('delivered', 'given_up') then p_now end
  where tenant_id = p_tenant and endpoint_id = p_endpoint and event_id = p_event;
  if v_outcome not in ('delivered', 'given_up') then
    update event_queues set lease = null, lease_until = null, due_at = (p->>'due_at')::timestamptz,
                            first_failed_at = coalesce(first_failed_at, p_now)
    where tenant_id = p_tenant and endpoint_id = p_endpoint;
  elsif exists (select from owed_events where endpoint_id = p_endpoint and tenant_id = p_tenant and state = 'owed') then
    update event_queues set lease = null, lease_until = null, due_at = p_now, attempts = 0, first_failed_at = null
    where tenant_id = p_tenant and endpoint_id = p_endpoint;
  else
    delete from event_queues where tenant_id = p_tenant and endpoint_id = p_endpoint;
  end if;
  insert into event_deliveries (tenant_id, endpoint_id, event_id, type, attempt, started_at, milliseconds, outcome, status,
                                fault, next_at)
  values (p_tenant, p_endpoint, p_event, p->>'type', v_queue.attempts, (p->>'started_at')::timestamptz,
          (p->>'milliseconds')::integer, v_outcome, (p->>'status')::integer, p->>'fault',
          case when v_outcome = 'retry' then (p->>'due_at')::timestamptz end);

  if v_outcome = 'disabled' then
    update endpoints set state = 'disabled', reason = p->>'fault', changed_at = p_now where id = p_endpoint and state = 'on';
    if found then
      perform append_event(p_tenant, 'endpoint.disabled', 'job:events', p_now, p_now,
                           jsonb_build_object('endpoint', p_endpoint, 'reason', p->>'fault'));
    end if;
  elsif v_outcome = 'given_up' and v_owed.made_up is null
        and p->>'type' not in ('event.given_up', 'endpoint.disabled') then
    perform append_event(p_tenant, 'event.given_up', 'job:events', p_now, p_now,
                         jsonb_build_object('endpoint', p_endpoint, 'event', p_event, 'type', p->>'type',
                                            'attempts', v_queue.attempts, 'fault', p->>'fault'));
  end if;
  return v_outcome;
end $$;
select door('settle_event(text, text, uuid, uuid, jsonb, timestamptz)');

-- An endpoint begins anew: what it is owed is due, with all its tries before it.
create function resume_endpoint(p_endpoint text, p_now timestamptz) returns void
language sql as $$
  update endpoints set state = 'on', reason = null, failing_since = null, quiet_until = null, changed_at = p_now
  where id = p_endpoint;
  update event_queues set due_at = p_now, attempts = 0, first_failed_at = null where endpoint_id = p_endpoint;
$$;
select door('resume_endpoint(text, timestamptz)');

-- Nothing is owed to it any more; with `p_whole` it is gone altogether.
create function clear_endpoint(p_endpoint text, p_whole boolean) returns void
language sql as $$
  delete from endpoints where id = p_endpoint and p_whole;
  delete from event_queues where endpoint_id = p_endpoint;
  delete from owed_events where endpoint_id = p_endpoint and (p_whole or state = 'owed');
  delete from event_deliveries where endpoint_id = p_endpoint and p_whole;
$$;
select door('clear_endpoint(text, boolean)');

-- The attempts at one endpoint, newest first, after (p_before, p_id) of the page before.
create function list_deliveries(p_endpoint text, p_before timestamptz, p_id uuid, p_limit integer)
returns setof jsonb language sql stable as $$
  select to_jsonb(d) from event_deliveries d
  where d.endpoint_id = p_endpoint and (p_before is null or d.started_at <= p_before)
    and (p_before is null or d.started_at < p_before or d.id > p_id)
  order by d.started_at desc, d.id limit p_limit
$$;
select door('list_deliveries(text, timestamptz, uuid, integer)');

-- Whatever is owed to an endpoint of one tenant is due now; the lock is as in `owe_events`.
create function hurry_queue(p_tenant text, p_endpoint text, p_now timestamptz) returns void
language sql as $$
  insert into event_queues as q (tenant_id, endpoint_id, due_at) values (p_tenant, p_endpoint, p_now)
  on conflict (tenant_id, endpoint_id) do update set due_at = least(q.due_at, excluded.due_at)
$$;
revoke all on function hurry_queue(text, text, timestamptz) from public;

-- Owes the event of one attempt again, under the same id. Answers whether there was such an attempt of a lasting event.
create function resend_event(p_endpoint text, p_delivery uuid, p_now timestamptz) returns boolean
language plpgsql as $$
declare
  v_tenant text;
begin
  insert into owed_events (tenant_id, endpoint_id, event_id, sequence, state, created_at)
  select d.tenant_id, d.endpoint_id, d.event_id, l.sequence, 'owed', p_now
  from event_deliveries d join lifecycle_events l on l.tenant_id = d.tenant_id and l.id = d.event_id
  where d.endpoint_id = p_endpoint and d.id = p_delivery
  on conflict (tenant_id, endpoint_id, event_id) do update set state = 'owed', ended_at = null
  returning tenant_id into v_tenant;
  if v_tenant is null then
    return false;
  end if;
  perform hurry_queue(v_tenant, p_endpoint, p_now);
  perform pg_notify('stallholder_due', '');
  return true;
end $$;
select door('resend_event(text, uuid, timestamptz)');

-- Events recorded from `since` on that the endpoint wants, in pages of the order in which they were recorded; `after` is
-- the place of the last of the page before. Those that are owed already are left. p = {since, until, types, all: also those
-- it has taken, dry: only count, limit, after: {at, tenant, sequence}}. Answers {events, owed, after}: after is null at
-- the end.
create function replay_events(p_endpoint text, p jsonb, p_now timestamptz) returns jsonb
language plpgsql as $$
declare
  e endpoints;
  v_limit integer := (p->>'limit')::integer;
  v_since timestamptz := (coalesce(p->'after'->>'at', p->>'since'))::timestamptz;
  v_place jsonb := p->'after';
  v_types text[] := (select array_agg(t) from jsonb_array_elements_text(
                       case when jsonb_typeof(p->'types') = 'array' then p->'types' else '[]' end) t);
  v_events integer := 0;
  v_owed integer := 0;
  v_found boolean;
  n record;
begin
  select * into strict e from endpoints where id = p_endpoint;
  for n in
    select l.tenant_id, l.id, l.sequence, l.recorded_at,
           wants_event(e, l.type, l.tenant_id) and (v_types is null or fits_types(v_types, l.type)) as wanted
    from lifecycle_events l
    where l.recorded_at >= v_since and l.recorded_at <= (p->>'until')::timestamptz
      and (jsonb_typeof(v_place) is distinct from 'object' or (l.recorded_at, l.tenant_id, l.sequence)
           > ((v_place->>'at')::timestamptz, v_place->>'tenant', (v_place->>'sequence')::bigint))
    order by l.recorded_at, l.tenant_id, l.sequence limit v_limit
  loop
    v_place := jsonb_build_object('at', n.recorded_at, 'tenant', n.tenant_id, 'sequence', n.sequence);
    v_limit := v_limit - 1;
    continue when not n.wanted;
    v_events := v_events + 1;
    if (p->>'dry')::boolean then
      v_found := not exists (select from owed_events o where o.tenant_id = n.tenant_id and o.endpoint_id = e.id
                             and o.event_id = n.id and (o.state = 'owed' or (o.state = 'delivered' and not (p->>'all')::boolean)));
    else
      insert into owed_events as o (tenant_id, endpoint_id, event_id, sequence, state, created_at)
      values (n.tenant_id, e.id, n.id, n.sequence, 'owed', p_now)
      on conflict (tenant_id, endpoint_id, event_id) do update set state = 'owed', ended_at = null
        where o.state = 'given_up' or (o.state = 'delivered' and (p->>'all')::boolean);
      v_found := found;
      if v_found then
        perform hurry_queue(n.tenant_id, e.id, p_now);
      end if;
    end if;
    v_owed := v_owed + v_found::integer;
  end loop;
  if v_owed > 0 and not (p->>'dry')::boolean then
    perform pg_notify('stallholder_due', '');
  end if;
  return jsonb_build_object('events', v_events, 'owed', v_owed,
                            'after', case when v_limit = 0 then v_place end);
end $$;
select door('replay_events(text, jsonb, timestamptz)');

-- A made-up event, for the endpoints marked for tests and for whoever listens. Answers to how many.
create function owe_made_up(p_tenant text, p_event uuid, p_type text, p_text jsonb, p_now timestamptz) returns integer
language plpgsql as $$
declare
  v_endpoint text;
  v_count integer := 0;
begin
  for v_endpoint in select e.id from endpoints e where e.state = 'on' and (e.test or e.kind = 'listener')
                      and wants_event(e, p_type, p_tenant) order by e.id loop
    insert into owed_events (tenant_id, endpoint_id, event_id, made_up, state, created_at)
    values (p_tenant, v_endpoint, p_event, p_text, 'owed', p_now);
    perform hurry_queue(p_tenant, v_endpoint, p_now);
    v_count := v_count + 1;
  end loop;
  perform pg_notify('stallholder_due', '');
  return v_count;
end $$;
select door('owe_made_up(text, uuid, text, jsonb, timestamptz)');

-- Notes an attempt that was made at once, for a person.
create function note_delivery(p_tenant text, p_endpoint text, p_event uuid, p jsonb) returns jsonb
language sql as $$
  insert into event_deliveries as d (tenant_id, endpoint_id, event_id, type, attempt, started_at, milliseconds, outcome, status,
                                     fault)
  values (p_tenant, p_endpoint, p_event, p->>'type', 1, (p->>'started_at')::timestamptz, (p->>'milliseconds')::integer,
          p->>'outcome', (p->>'status')::integer, p->>'fault')
  returning to_jsonb(d)
$$;
select door('note_delivery(text, text, uuid, jsonb)');

-- What was told 30 days ago is forgotten, and so is what an endpoint that we disabled has been owed for so long; listeners
-- that are gone, and what was still owed to an endpoint that was removed at that moment.
create function sweep_events(p_now timestamptz) returns void
language plpgsql as $$
declare
  v_before timestamptz := p_now - interval '30 days';
begin
  delete from owed_events where state <> 'owed' and ended_at < v_before;
  delete from owed_events o using endpoints e
  where e.state = 'disabled' and o.endpoint_id = e.id and o.state = 'owed' and o.created_at < v_before;
  delete from event_deliveries where started_at < v_before;
  perform clear_endpoint(e.id, true) from endpoints e where e.kind = 'listener' and e.ends_at < p_now;
  perform clear_endpoint(id, true)
  from (select distinct q.endpoint_id as id from event_queues q
        where not exists (select from endpoints e where e.id = q.endpoint_id)) gone;
  delete from event_queues q where exists (select from endpoints e where e.state = 'disabled' and e.id = q.endpoint_id)
    and not exists (select from owed_events o
                    where o.endpoint_id = q.endpoint_id and o.tenant_id = q.tenant_id and o.state = 'owed');
  -- A secret whose time is over signs nothing any more; it is not kept either.
  update endpoints set secrets = (select coalesce(jsonb_agg(s order by place), '[]')
                                  from jsonb_array_elements(secrets) with ordinality as a(s, place)
                                  where s->>'ends_at' is null or (s->>'ends_at')::timestamptz > p_now)
  where exists (select from jsonb_array_elements(secrets) s where (s->>'ends_at')::timestamptz <= p_now);
end $$;
select door('sweep_events(timestamptz)');

-- How it stands with each endpoint: the oldest event it is owed, and how many; ten thousand is as far as is counted.
create function list_endpoints(p_endpoint text) returns setof jsonb
language sql stable as $$
  select to_jsonb(e) || (select jsonb_build_object('owed', count(*), 'oldest_owed_at', min(o.created_at))
                         from (select created_at from owed_events o where o.endpoint_id = e.id and o.state = 'owed'
                               order by created_at limit 10000) o)
  from endpoints e where e.kind <> 'listener' and (p_endpoint is null or e.id = p_endpoint) order by e.created_at, e.id
$$;
select door('list_endpoints(text)');

-- What others have put into a tenant's history: which of their events is which of ours.
create table external_events (
  tenant_id   text not null references tenants (id),
  source      text not null,
  id          text not null,
  digest      text not null,
  event_id    uuid not null,
  recorded_at timestamptz not null,
  primary key (tenant_id, source, id)
);
select wall('external_events', 'tenant_id');
select app_may('select, insert on external_events');
