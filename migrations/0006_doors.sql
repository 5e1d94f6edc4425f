-- The doors: what must be found before the tenant is known, and what makes a tenant. Each is one round trip.
-- test/isolation.test.ts reads the catalogue and holds this list against it.

-- A purchase, found or made: `fresh` says which. All rows of a new one go in by one statement, and its maker knows what
-- they say. A repeat finds the first one untouched; a newer grant code of a repeat is still owed. The tenant is locked
-- either way: state, operation and credentials belong together, and a tenant on its way out owes nothing. Where there is
-- nobody to ask (`at_once`), a new one is active with this statement.
create function begin_provision(p jsonb, p_now timestamptz)
returns jsonb language plpgsql as $$
declare
  v_fresh boolean;
  v_tenant tenants;
  v_operation operations;
  v_at_once boolean := (p->>'at_once')::boolean;
begin
  with tenant as (
    insert into tenants (id, marketplace, resource_id, plan, region, state, name, request_digest, options, facts,
                         kept_sealed, last_event, last_call, created_at, changed_at)
    values (p->>'id', p->>'marketplace', p->>'resource_id', p->>'plan', p->>'region',
            case when v_at_once then 'active' else 'provisioning' end, p->>'name', p->>'digest', p->'options', p->'facts',
            p->>'kept_sealed', case when v_at_once then 2 else 1 end, jsonb_array_length(p->'owed'), p_now, p_now)
    on conflict (marketplace, resource_id) do nothing
    returning id, plan, region
  ), operation as (
    insert into operations (id, tenant_id, kind, state, target, by, at, attempts, due_at, lease, lease_until, deadline_at,
                            created_at, ended_at)
    select (p->>'operation')::uuid, t.id, 'provision', case when v_at_once then 'done' else 'running' end,
           jsonb_build_object('plan', t.plan), p->>'by', (p->>'at')::timestamptz, 1, p_now,
           case when not v_at_once then (p->>'lease')::uuid end,
           case when not v_at_once then (p->>'lease_until')::timestamptz end,
           (p->>'deadline_at')::timestamptz, p_now, case when v_at_once then p_now end
    from tenant t
  ), credential as (
    insert into credentials (id, tenant_id, kind, var, state, key_id, key_hash, sealed, hint, scopes, created_at)
    select c.id, t.id, c.kind, c.var, 'active', c.key_id, c.key_hash, c.sealed, coalesce(c.hint, ''),
           coalesce(c.scopes, '{}'), p_now
    from tenant t, jsonb_to_recordset(p->'credentials') as c(
      id uuid, kind text, var text, key_id text, key_hash text, sealed text, hint text, scopes text[])
  ), event as (
    insert into lifecycle_events (tenant_id, sequence, type, by, at, recorded_at, data)
    select t.id, 1, 'provision.requested', p->>'by', (p->>'at')::timestamptz, p_now,
           jsonb_build_object('plan', t.plan, 'region', t.region)
    from tenant t
    union all
    select t.id, 2, 'provision.done', p->>'by', (p->>'at')::timestamptz, p_now,
           jsonb_build_object('operation', p->>'operation')
    from tenant t where v_at_once
  ), call as (
    insert into owed_calls (tenant_id, sequence, marketplace, kind, lane, payload, once, state, due_at, created_at)
    select t.id, c.place, c.call->>'marketplace', c.call->>'kind', c.call->>'lane', coalesce(c.call->'payload', '{}'),
           c.call->>'once', 'owed', coalesce((c.call->>'due_at')::timestamptz, p_now), p_now
    from tenant t, jsonb_array_elements(p->'owed') with ordinality as c(call, place)
    on conflict (tenant_id, once) do nothing
  )
  select true into v_fresh from tenant;

  if v_fresh then
    -- NOTIFY makes commits wait for each other, so at most one is on its way: whom it wakes looks at everything due.
    if jsonb_array_length(p->'owed') > 0 and pg_try_advisory_xact_lock(7355609) then
      perform pg_notify('stallholder_due', '');
    end if;
    return jsonb_build_object('fresh', true);
  end if;

  select * into strict v_tenant from tenants t
  where t.marketplace = p->>'marketplace' and t.resource_id = p->>'resource_id' for no key update;
  select * into v_operation from operations o
  where o.tenant_id = v_tenant.id and o.kind = 'provision' order by o.created_at desc limit 1;
  if v_tenant.request_digest = p->>'digest' and v_tenant.state in ('provisioning', 'active', 'suspended') then
    perform owe_calls(v_tenant.id, p->'owed', p_now);
  end if;

  return jsonb_build_object(
    'fresh', false, 'tenant', to_jsonb(v_tenant), 'operation', to_jsonb(v_operation),
    'credentials', (select coalesce(jsonb_agg(to_jsonb(c) order by c.created_at, c.var), '[]') from credentials c
                    where c.tenant_id = v_tenant.id and c.state = 'active'));
end $$;
select door('begin_provision(jsonb, timestamptz)');

-- One attempt of an operation is over. Applied only for the holder of the lease, and only while it runs: an operation
-- cancelled meanwhile just gives its lease back. `p.state` = running means "not yet": due again at p.due_at.
create function finish_operation(p_tenant text, p_operation uuid, p_lease uuid, p jsonb, p_now timestamptz)
returns jsonb language plpgsql as $$
declare
  v_tenant tenants;
  v_operation operations;
  v_events jsonb := coalesce(p->'events', '[]');
  v_applied boolean := false;
begin
  select * into strict v_tenant from tenants where id = p_tenant for no key update;
  select * into strict v_operation from operations where tenant_id = p_tenant and id = p_operation for update;

  if v_operation.lease = p_lease then
    v_applied := v_operation.state = 'running';
    update operations set
      lease = null, lease_until = null,
      state = case when v_applied then p->>'state' else state end,
      due_at = coalesce((p->>'due_at')::timestamptz, due_at),
      ended_at = case when v_applied and p->>'state' <> 'running' then p_now else ended_at end,
      message = coalesce(p->>'message', message),
      last_fault = coalesce(p->>'fault', last_fault)
    where tenant_id = p_tenant and id = p_operation
    returning * into v_operation;
  end if;

  -- Also when another holds the lease by now: what this attempt came to, "not yet" is what somebody hears.
  if v_operation.state = 'running' and (p->>'told_later')::boolean then
    update operations set told_later = true where tenant_id = p_tenant and id = p_operation
    returning * into v_operation;
  end if;

  if v_applied and v_operation.state <> 'running' then
    with tenant as (
      update tenants set
        state = coalesce(p->>'to', state), plan = coalesce(p->>'plan', plan),
        reason = case when p ? 'to' then p->>'reason' else reason end,
        product_config_sealed = case when (p->>'erase')::boolean then null
                                     else coalesce(p->>'product_config_sealed', product_config_sealed) end,
        kept_sealed = case when (p->>'erase')::boolean then null else kept_sealed end,
        facts = case when (p->>'erase')::boolean then '{}' else facts end,
        last_event = last_event + jsonb_array_length(v_events),
        changed_at = p_now,
        ended_at = case when p->>'to' in ('gone', 'failed') then p_now else ended_at end
      where id = p_tenant
      returning *
    ), event as (
      insert into lifecycle_events (tenant_id, sequence, type, by, at, recorded_at, data)
      select p_tenant, v_tenant.last_event + e.place, e.event->>'type', coalesce(e.event->>'by', v_operation."by"),
             v_operation.at, p_now, coalesce(e.event->'data', '{}')
      from jsonb_array_elements(v_events) with ordinality as e(event, place)
    )
    select * into v_tenant from tenant;

    if (p->>'erase')::boolean then
      update credentials set state = 'revoked', sealed = null, revoked_at = coalesce(revoked_at, p_now)
      where tenant_id = p_tenant;
      delete from people where tenant_id = p_tenant;
      -- A call still owed goes on: a failed provision has to be told to the marketplace, with what that takes.
      update owed_calls set payload = '{}' where tenant_id = p_tenant and state <> 'owed';
    end if;
    if p ? 'owed' then
      perform owe_calls(p_tenant, p->'owed', p_now);
    end if;
    -- Also while a push of the config before this change is on its way: it could arrive after this answer. Nothing comes
    -- before a provision.
    if p ? 'owed_if_told' and (v_operation.told_later or (v_operation.kind <> 'provision' and exists (
         select from owed_calls c where c.tenant_id = p_tenant and c.kind = 'push-config' and c.state = 'owed'))) then
      perform owe_calls(p_tenant, p->'owed_if_told', p_now);
    end if;
  end if;

  return jsonb_build_object('applied', v_applied, 'tenant', to_jsonb(v_tenant), 'operation', to_jsonb(v_operation));
end $$;
select door('finish_operation(text, uuid, uuid, jsonb, timestamptz)');

-- By the marketplace's id or by ours; the marketplace's wins.
create function find_tenant(p_marketplace text, p_id text)
returns jsonb language sql stable as $$
  select to_jsonb(t) from tenants t
  where t.marketplace = p_marketplace and (t.resource_id = p_id or t.id = p_id)
  order by (t.resource_id = p_id) desc limit 1
$$;
select door('find_tenant(text, text)');

-- The tenant list of the product's API: filters are optional, the cursor is the last id seen.
create function list_tenants(p_marketplace text, p_resource_id text, p_after text, p_limit integer)
returns setof jsonb language sql stable as $$
  select to_jsonb(t) from tenants t
  where (p_marketplace is null or t.marketplace = p_marketplace)
    and (p_resource_id is null or t.resource_id = p_resource_id)
    and (p_after is null or t.id > p_after)
  order by t.id limit p_limit
$$;
select door('list_tenants(text, text, text, integer)');

-- When a retiring credential ends: at its time, but not while its successor is on its way to the marketplace (then null);
-- where that arrived after the time, the overlap begins anew on arrival, a minute at least.
create function end_of(c credentials)
returns timestamptz language sql stable as $$
  select case
    when exists (select from owed_calls o where o.tenant_id = c.tenant_id and o.kind = 'push-config' and o.state = 'owed')
      or exists (select from operations o where o.tenant_id = c.tenant_id and o.kind = 'rotate' and o.state = 'running')
    then null
    else coalesce(
      (select min(o.ended_at) + make_interval(secs => greatest(c.overlap_seconds, 60)) from owed_calls o
       where o.tenant_id = c.tenant_id and o.kind = 'push-config' and o.state = 'delivered'
         and o.created_at >= c.retires_at - make_interval(secs => c.overlap_seconds)
       having min(o.ended_at) > c.retires_at),
      c.retires_at)
  end
$$;
revoke all on function end_of(credentials) from public;

-- Everything needed to judge one API key. A retiring one without `retires_at` may not end yet.
create function find_key(p_key_id text)
returns table (credential uuid, tenant text, marketplace text, key_hash text, kind text, scopes text[], state text,
               retires_at timestamptz, plan text, tenant_state text)
language sql stable as $$
  select c.id, c.tenant_id, t.marketplace, c.key_hash, c.kind, c.scopes, c.state,
         case when c.state = 'retiring' then end_of(c) else c.retires_at end, t.plan, t.state
  from credentials c join tenants t on t.id = c.tenant_id
  where c.key_id = p_key_id
$$;
select door('find_key(text)');

-- Due operations for a worker. A tenant is left alone while an earlier attempt of it, even a cancelled one, holds a lease.
create function claim_operations(p_now timestamptz, p_until timestamptz, p_limit integer)
returns setof jsonb language sql as $$
  with due as (
    select o.tenant_id, o.id from operations o
    where o.state = 'running' and o.due_at <= p_now and (o.lease_until is null or o.lease_until <= p_now)
      and not exists (select from operations b where b.tenant_id = o.tenant_id and b.id <> o.id
                      and b.lease is not null and b.lease_until > p_now)
    order by o.due_at limit p_limit for update of o skip locked
  ), claimed as (
    update operations o set lease = gen_random_uuid(), lease_until = p_until, attempts = o.attempts + 1
    from due where o.tenant_id = due.tenant_id and o.id = due.id
    returning o.*
  )
  select jsonb_build_object('operation', to_jsonb(c), 'tenant', to_jsonb(t))
  from claimed c join tenants t on t.id = c.tenant_id
$$;
select door('claim_operations(timestamptz, timestamptz, integer)');

-- Due owed calls for a worker: only the first of each tenant's lane.
create function claim_owed_calls(p_now timestamptz, p_until timestamptz, p_limit integer)
returns setof jsonb language sql as $$
  with due as (
    select c.tenant_id, c.sequence from owed_calls c
    where c.state = 'owed' and c.due_at <= p_now and (c.lease_until is null or c.lease_until <= p_now)
      and not exists (select from owed_calls e where e.tenant_id = c.tenant_id and e.lane = c.lane
                      and e.state = 'owed' and e.sequence < c.sequence)
    order by c.due_at limit p_limit for update of c skip locked
  ), claimed as (
    update owed_calls c set lease = gen_random_uuid(), lease_until = p_until, attempts = c.attempts + 1
    from due where c.tenant_id = due.tenant_id and c.sequence = due.sequence
    returning c.*
  )
  select jsonb_build_object('call', to_jsonb(c), 'tenant', to_jsonb(t))
  from claimed c join tenants t on t.id = c.tenant_id
$$;
select door('claim_owed_calls(timestamptz, timestamptz, integer)');

-- Lag: since when the oldest due row waits that nobody has tried. A call behind a failing one, or between two tries, is
-- not lag.
create function oldest_untried(p_now timestamptz)
returns timestamptz language sql stable as $$
  select least(
    (select min(o.due_at) from operations o
     where o.state = 'running' and o.attempts = 0 and o.due_at <= p_now
       and not exists (select from operations b where b.tenant_id = o.tenant_id and b.id <> o.id
                       and b.lease is not null and b.lease_until > p_now)),
    (select min(c.due_at) from owed_calls c
     where c.state = 'owed' and c.attempts = 0 and c.due_at <= p_now
       and not exists (select from owed_calls e where e.tenant_id = c.tenant_id and e.lane = c.lane
                       and e.state = 'owed' and e.sequence < c.sequence)))
$$;
select door('oldest_untried(timestamptz)');

-- Retiring credentials that have come to their end are revoked: a customer never holds only dead ones.
create function retire_credentials(p_now timestamptz)
returns integer language plpgsql as $$
declare
  v_due record;
  v_row credentials;
  v_count integer := 0;
begin
  for v_due in select c.tenant_id, c.id from credentials c
               where c.state = 'retiring' and c.retires_at <= p_now and end_of(c) is not null
               order by c.tenant_id, c.id limit 500 loop
    perform from tenants where id = v_due.tenant_id for no key update;
    -- Read under the lock: another worker may have been here meanwhile.
    select * into v_row from credentials c where c.tenant_id = v_due.tenant_id and c.id = v_due.id
      and c.state = 'retiring' and c.retires_at <= p_now;
    if end_of(v_row) > p_now then
      update credentials set retires_at = end_of(v_row) where tenant_id = v_row.tenant_id and id = v_row.id;
    elsif end_of(v_row) <= p_now then
      update credentials set state = 'revoked', sealed = null, revoked_at = p_now
      where tenant_id = v_row.tenant_id and id = v_row.id;
      perform append_event(v_row.tenant_id, 'credential.revoked', 'job:retire-credentials', p_now, p_now,
                           jsonb_build_object('credential', v_row.id, 'kind', v_row.kind, 'var', v_row.var));
      v_count := v_count + 1;
    end if;
  end loop;
  return v_count;
end $$;
select door('retire_credentials(timestamptz)');

create function put_session(p_digest text, p_tenant text, p_data jsonb, p_now timestamptz)
returns void language sql as $$
  insert into sessions (digest, tenant_id, data, started_at, seen_at) values (p_digest, p_tenant, p_data, p_now, p_now)
  on conflict (digest) do update set data = excluded.data, seen_at = excluded.seen_at
  where sessions.tenant_id = excluded.tenant_id
$$;
select door('put_session(text, text, jsonb, timestamptz)');

-- A session that is neither idle too long nor too old, of a tenant that is still there.
create function find_session(p_digest text, p_seen_since timestamptz, p_started_since timestamptz)
returns jsonb language sql stable as $$
  select s.data from sessions s join tenants t on t.id = s.tenant_id
  where s.digest = p_digest and s.seen_at >= p_seen_since and s.started_at >= p_started_since
    and t.state in ('provisioning', 'active', 'suspended')
$$;
select door('find_session(text, timestamptz, timestamptz)');

-- A request. Never brings back a session that was ended meanwhile.
create function touch_session(p_digest text, p_now timestamptz) returns void language sql as $$
  update sessions set seen_at = greatest(seen_at, p_now) where digest = p_digest
$$;
select door('touch_session(text, timestamptz)');

create function end_session(p_digest text) returns void language sql as $$
  delete from sessions where digest = p_digest
$$;
select door('end_session(text)');

create function sweep_sign_ins(p_seen_since timestamptz, p_started_since timestamptz, p_now timestamptz)
returns void language sql as $$
  delete from sessions where seen_at < p_seen_since or started_at < p_started_since;
  delete from used_sign_ins where expires_at < p_now;
$$;
select door('sweep_sign_ins(timestamptz, timestamptz, timestamptz)');
