-- The id that a request bears in the log and in its answer stays on the operation it began: whoever has only that finds
-- the tenant.
alter table operations add column request text collate "C";
create index operations_request on operations (request) where request is not null;

-- As before, and with `request`.
create or replace function begin_provision(p jsonb, p_now timestamptz)
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
                            created_at, ended_at, request)
    select (p->>'operation')::uuid, t.id, 'provision', case when v_at_once then 'done' else 'running' end,
           jsonb_build_object('plan', t.plan), p->>'by', (p->>'at')::timestamptz, 1, p_now,
           case when not v_at_once then (p->>'lease')::uuid end,
           case when not v_at_once then (p->>'lease_until')::timestamptz end,
           (p->>'deadline_at')::timestamptz, p_now, case when v_at_once then p_now end,
           p->>'request'
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

-- Tenants of the operations that a request began, the newest of each: the whole id, as it was written.
create function console_requested(p jsonb, p_limit integer) returns jsonb language sql stable as $$
  with began as (
    select o.* from operations o where o.request = p->>'q' order by o.created_at desc, o.id limit p_limit
  ), newest as (
    select distinct on (b.tenant_id) b.* from began b order by b.tenant_id, b.created_at desc, b.id
  )
  select coalesce(jsonb_agg(console_line(t) || jsonb_build_object('term', n.request, 'kind', 'request', 'operation',
           jsonb_build_object('id', n.id, 'kind', n.kind, 'state', n.state, 'at', n.created_at))
         order by n.created_at desc, t.id), '[]')
  from newest n join tenants t on t.id = n.tenant_id
  where t.request_digest <> '' and (p->>'marketplace' is null or t.marketplace = p->>'marketplace')
    and (p->>'plan' is null or t.plan = p->>'plan') and (p->>'state' is null or t.state = p->>'state')
$$;
revoke all on function console_requested(jsonb, integer) from public;

-- As before; what a request began comes first, on the first page alone.
create or replace function console_find_tenants(p jsonb, p_limit integer) returns jsonb language plpgsql stable as $$
declare
  v_kinds jsonb := (select jsonb_build_object(
    'marketplaces', jsonb_agg(distinct k.marketplace), 'plans', jsonb_agg(distinct k.plan)) from console_kinds() k);
  v_named jsonb;
begin
  if p->>'q' is null then
    return jsonb_build_object('kinds', v_kinds, 'looked', null,
      'rows', (select coalesce(jsonb_agg(n.line), '[]') from console_newest(p, p_limit) as n(line)));
  end if;
  v_named := console_named(p, p_limit, 2000) || jsonb_build_object('kinds', v_kinds);
  if p->'after' is not null then
    return v_named;
  end if;
  -- Fewer than a page holds: the place of the next page is always that of a name.
  return jsonb_set(v_named, '{rows}', console_requested(p, least(20, p_limit - 2)) || (v_named->'rows'));
end $$;
select door('console_find_tenants(jsonb, integer)');
