-- The operator's console: finding a tenant among a million by whatever somebody has of it, reading all of it at once, and
-- acting on it one operator at a time.

-- What a tenant can be found by, in small letters. Kept by triggers, because an index on an expression does not serve
-- behind row level security: the owner of a door sees rows through a policy, and only comparisons that leak nothing may be
-- looked up before it.
create table tenant_terms (
  tenant_id text not null,
  -- tenant, resource, name, app, owner, person, account.
  kind      text not null,
  term      text collate "C" not null,
  primary key (tenant_id, kind, term)
);
create index tenant_terms_term on tenant_terms (term, tenant_id);
select wall('tenant_terms', 'tenant_id');
select app_may('select on tenant_terms');

-- Whatever names one of these tenants. A name that holds others (arn:…:license/l-1) is found by its last part too.
create function console_terms(p_tenants text[])
returns table (tenant_id text, kind text, term text) language sql stable as $$
  with named as (
    select t.id, n.kind, n.name from tenants t
    cross join lateral (values ('tenant', t.id), ('resource', t.resource_id), ('name', t.name),
                               ('app', t.facts->>'app'), ('owner', t.facts->>'owner')) as n(kind, name)
    where t.id = any(p_tenants) and t.request_digest <> ''
    union all
    select r.tenant_id, 'resource', r.resource_id from resource_ids r where r.tenant_id = any(p_tenants)
    union all
    select p.tenant_id, 'person', p.email from people p where p.tenant_id = any(p_tenants)
    union all
    select l.tenant_id, n.kind, n.name from aws_licences l
    cross join lateral (values ('resource', l.key), ('resource', l.arn), ('resource', l.agreement_id),
                               ('account', l.account), ('account', l.customer)) as n(kind, name)
    where l.tenant_id = any(p_tenants)
  ), whole as (
    select n.id, n.kind, n.name from named n
    union all
    select n.id, n.kind, regexp_replace(n.name, '^.*[:/]', '') from named n
    where n.kind = 'resource' and n.name ~ '[:/]'
  )
  select distinct w.id, w.kind, left(lower(w.name), 200) from whole w where w.name <> ''
$$;

create function console_note_terms(p_tenants text[]) returns void language sql as $$
  with wanted as materialized (
    select w.tenant_id, w.kind, w.term collate "C" as term from console_terms(p_tenants) w
  ), over as (
    delete from tenant_terms t where t.tenant_id = any(p_tenants)
      and not exists (select from wanted w where w.tenant_id = t.tenant_id and w.kind = t.kind and w.term = t.term)
  )
  insert into tenant_terms (tenant_id, kind, term) select * from wanted on conflict do nothing
$$;
revoke all on function console_terms(text[]), console_note_terms(text[]) from public;

create function console_note_tenants() returns trigger language plpgsql as $$
begin
  perform console_note_terms((select array_agg(f.id) from fresh f));
  return null;
end $$;
create function console_note_rows() returns trigger language plpgsql as $$
begin
  perform console_note_terms((select array_agg(distinct f.tenant_id) from fresh f));
  return null;
end $$;
create function console_note_row() returns trigger language plpgsql as $$
declare
  v_row jsonb := to_jsonb(new);
begin
  perform console_note_terms(array[coalesce(v_row->>'tenant_id', v_row->>'id')]);
  return null;
end $$;
select door('console_note_tenants()');
select door('console_note_rows()');
select door('console_note_row()');

create trigger found_new after insert on tenants referencing new table as fresh
  for each statement execute function console_note_tenants();
create trigger found_changed after update of name, facts on tenants for each row
  when (old.name is distinct from new.name or old.facts is distinct from new.facts) execute function console_note_row();
create trigger found_new after insert on people referencing new table as fresh
  for each statement execute function console_note_rows();
create trigger found_gone after delete on people referencing old table as fresh
  for each statement execute function console_note_rows();
create trigger found_new after insert on resource_ids referencing new table as fresh
  for each statement execute function console_note_rows();
create trigger found_gone after delete on resource_ids referencing old table as fresh
  for each statement execute function console_note_rows();
create trigger found_moved_to after update on resource_ids referencing new table as fresh
  for each statement execute function console_note_rows();
create trigger found_moved_from after update on resource_ids referencing old table as fresh
  for each statement execute function console_note_rows();
create trigger found_changed after update on aws_licences for each row
  when (new.tenant_id is not null and (old.tenant_id, old.arn, old.agreement_id, old.account, old.customer)
        is distinct from (new.tenant_id, new.arn, new.agreement_id, new.account, new.customer))
  execute function console_note_row();

-- Those that are there already. What no door does, the owner does as if in one.
do $$
begin
  perform set_config('application_name', 'stallholder door', true);
  perform console_note_terms((select array_agg(t.id) from tenants t));
  perform set_config('application_name', '', true);
end $$;

-- One index for every filter: the few marketplaces, plans and states that occur together are walked, newest first in each.
create index tenants_listed on tenants (marketplace, plan, state, created_at, id);
create index operations_listed on operations (tenant_id, created_at, id);

-- Which marketplaces, plans and states occur together: one step in the index for each.
create function console_kinds() returns table (marketplace text, plan text, state text) language sql stable as $$
  with recursive kinds as (
    (select t.marketplace, t.plan, t.state from tenants t order by t.marketplace, t.plan, t.state limit 1)
    union all
    select n.marketplace, n.plan, n.state from kinds k cross join lateral (
      select t.marketplace, t.plan, t.state from tenants t
      where (t.marketplace, t.plan, t.state) > (k.marketplace, k.plan, k.state)
      order by t.marketplace, t.plan, t.state limit 1) n
  )
  -- A removal that overtook its purchase left a row without a plan: it never was a tenant.
  select * from kinds k where k.plan <> ''
$$;

create function console_line(t tenants) returns jsonb language sql stable as $$
  select jsonb_build_object('id', t.id, 'marketplace', t.marketplace, 'resource_id', t.resource_id, 'name', t.name,
    'app', t.facts->>'app', 'owner', t.facts->>'owner', 'region', t.region, 'plan', t.plan, 'state', t.state,
    'created_at', t.created_at, 'changed_at', t.changed_at, 'ended_at', t.ended_at)
$$;

-- Newest first. p = {marketplace, plan, state, before: {at, id}}.
create function console_newest(p jsonb, p_limit integer) returns setof jsonb language sql stable as $$
  select console_line(t) from console_kinds() k
  cross join lateral (
    select * from tenants x
    where x.marketplace = k.marketplace and x.plan = k.plan and x.state = k.state
      and (x.created_at, x.id) < (coalesce((p->'before'->>'at')::timestamptz, 'infinity'), coalesce(p->'before'->>'id', ''))
    order by x.created_at desc, x.id desc limit p_limit) t
  where (p->>'marketplace' is null or k.marketplace = p->>'marketplace')
    and (p->>'plan' is null or k.plan = p->>'plan') and (p->>'state' is null or k.state = p->>'state')
  order by t.created_at desc, t.id desc limit p_limit
$$;

-- By what they are called, in its order; each once, under the first of its names that fits. p = {q, …, after: {term, id}}. So many
-- fits are looked at: `looked` says up to where, when that was all.
create function console_named(p jsonb, p_limit integer, p_look integer) returns jsonb language sql stable as $$
  with fits as materialized (
    select x.term, x.tenant_id, x.kind from tenant_terms x
    where x.term >= lower(p->>'q') and x.term < lower(p->>'q') || chr(1114111)
      and (x.term, x.tenant_id) > (coalesce(p->'after'->>'term', ''), coalesce(p->'after'->>'id', ''))
    order by x.term, x.tenant_id limit p_look
  ), found as (
    select distinct on (f.term, f.tenant_id) f.term, f.kind, t.*
    from fits f join tenants t on t.id = f.tenant_id
    where (p->>'marketplace' is null or t.marketplace = p->>'marketplace')
      and (p->>'plan' is null or t.plan = p->>'plan') and (p->>'state' is null or t.state = p->>'state')
      and not exists (select from tenant_terms y where y.tenant_id = f.tenant_id and y.term >= lower(p->>'q') and y.term < f.term)
    order by f.term, f.tenant_id, f.kind limit p_limit
  )
  select jsonb_build_object(
    'rows', (select coalesce(jsonb_agg(jsonb_build_object(
               'id', f.id, 'marketplace', f.marketplace, 'resource_id', f.resource_id, 'name', f.name,
               'app', f.facts->>'app', 'owner', f.facts->>'owner', 'region', f.region, 'plan', f.plan, 'state', f.state,
               'created_at', f.created_at, 'changed_at', f.changed_at, 'ended_at', f.ended_at,
               'term', f.term, 'kind', f.kind) order by f.term, f.id), '[]') from found f),
    'looked', (select jsonb_build_object('term', f.term, 'id', f.tenant_id) from fits f
               where (select count(*) from fits) = p_look order by f.term desc, f.tenant_id desc limit 1))
$$;
revoke all on function console_kinds(), console_line(tenants), console_newest(jsonb, integer), console_named(jsonb, integer, integer)
  from public;

create function console_find_tenants(p jsonb, p_limit integer) returns jsonb language plpgsql stable as $$
declare
  v_kinds jsonb := (select jsonb_build_object(
    'marketplaces', jsonb_agg(distinct k.marketplace), 'plans', jsonb_agg(distinct k.plan)) from console_kinds() k);
begin
  if p->>'q' is null then
    return jsonb_build_object('kinds', v_kinds, 'looked', null,
      'rows', (select coalesce(jsonb_agg(n.line), '[]') from console_newest(p, p_limit) as n(line)));
  end if;
  return console_named(p, p_limit, 2000) || jsonb_build_object('kinds', v_kinds);
end $$;
select door('console_find_tenants(jsonb, integer)');

-- What is due to happen to a tenant, and what was given up.
create function console_due(p_tenant text) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'operations', (select coalesce(jsonb_agg(to_jsonb(o) - 'lease' - 'target' order by o.due_at), '[]')
                   from operations o where o.tenant_id = p_tenant and o.state = 'running'),
    'calls', (select coalesce(jsonb_agg(to_jsonb(c) - 'lease' - 'payload' order by c.due_at, c.sequence), '[]') from (
                select * from owed_calls x where x.tenant_id = p_tenant and x.state = 'owed' order by x.sequence limit 20) c),
    'given_up', (select coalesce(jsonb_agg(to_jsonb(c) - 'lease' - 'payload' order by c.sequence desc), '[]') from (
                   select * from (select * from owed_calls x where x.tenant_id = p_tenant order by x.sequence desc limit 200) l
                   where l.state = 'given_up' order by l.sequence desc limit 5) c),
    'database', (select jsonb_build_object('model', d.model, 'state', d.state, 'kept_until', d.kept_until, 'due_at', d.due_at,
                                           'fault', d.fault)
                 from tenant_databases d where d.tenant_id = p_tenant),
    'endpoints', (select coalesce(jsonb_agg(jsonb_build_object(
                    'id', e.id, 'name', coalesce(nullif(e.name, ''), e.url, e.bus, e.id), 'state', e.state, 'owed', n.owed,
                    'due_at', q.due_at, 'attempts', q.attempts) order by e.id), '[]')
                  from endpoints e
                  cross join lateral (select count(*) as owed from (
                    select from owed_events o where o.endpoint_id = e.id and o.tenant_id = p_tenant and o.state = 'owed' limit 1000) x) n
                  left join event_queues q on q.tenant_id = p_tenant and q.endpoint_id = e.id
                  where e.kind <> 'listener' and n.owed > 0))
$$;

-- What the sides last let us know: of the newest of each only, however long the history is.
create function console_heard(p_tenant text) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'marketplace', (select jsonb_build_object('type', e.type, 'at', e.recorded_at) from (
        select * from lifecycle_events x where x.tenant_id = p_tenant order by x.sequence desc limit 200) e
      where starts_with(e."by", 'marketplace:') order by e.sequence desc limit 1),
    'told', (select jsonb_build_object('kind', c.kind, 'at', c.ended_at) from (
        select * from owed_calls x where x.tenant_id = p_tenant order by x.sequence desc limit 200) c
      where c.state = 'delivered' and c.marketplace <> 'product' order by c.sequence desc limit 1),
    'product', (select jsonb_build_object('kind', o.kind, 'state', o.state, 'target', o.target, 'at', coalesce(o.ended_at, o.created_at),
                                          'attempts', o.attempts, 'message', o.message, 'fault', o.last_fault)
      from (select * from operations x where x.tenant_id = p_tenant order by x.created_at desc, x.id desc limit 1) o))
$$;

-- The newest of each source before its place; who reads merges them. p_before = {event, call, operation: {at, id}}.
create function console_timeline(p_tenant text, p_before jsonb, p_limit integer) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'events', (select coalesce(jsonb_agg(to_jsonb(e) - 'tenant_id' order by e.sequence desc), '[]') from (
        select * from lifecycle_events x where x.tenant_id = p_tenant
          and x.sequence < coalesce((p_before->>'event')::bigint, 9223372036854775807)
        order by x.sequence desc limit p_limit) e),
    'calls', (select coalesce(jsonb_agg(to_jsonb(c) - 'lease' - 'tenant_id' || jsonb_build_object('tries', (
                 select coalesce(jsonb_agg(to_jsonb(d) - 'tenant_id' - 'sequence' order by d.attempt desc), '[]') from (
                   select * from deliveries y where y.tenant_id = p_tenant and y.sequence = c.sequence
                   order by y.attempt desc limit 5) d)) order by c.sequence desc), '[]') from (
        select * from owed_calls x where x.tenant_id = p_tenant
          and x.sequence < coalesce((p_before->>'call')::bigint, 9223372036854775807)
        order by x.sequence desc limit p_limit) c),
    'operations', (select coalesce(jsonb_agg(to_jsonb(o) - 'lease' - 'tenant_id' order by o.created_at desc, o.id desc), '[]') from (
        select * from operations x where x.tenant_id = p_tenant
          and (x.created_at, x.id) < (coalesce((p_before->'operation'->>'at')::timestamptz, 'infinity'),
                                      coalesce((p_before->'operation'->>'id')::uuid, '00000000-0000-0000-0000-000000000000'))
        order by x.created_at desc, x.id desc limit p_limit) o))
$$;
revoke all on function console_due(text), console_heard(text), console_timeline(text, jsonb, integer) from public;

-- All of one tenant, by our id. Its audit says who looked; no secret leaves. Null where there is none.
-- p_asked = {by, reason, at, month, before}.
create function console_tenant(p_tenant text, p_asked jsonb, p_limit integer) returns jsonb language plpgsql as $$
declare
  v_tenant tenants;
begin
  select * into v_tenant from tenants t where t.id = p_tenant and t.request_digest <> '';
  if not found then
    return null;
  end if;
  perform write_audit(p_tenant, 'operator.crossed', p_asked->>'by', (p_asked->>'at')::timestamptz,
                      (p_asked->>'at')::timestamptz, jsonb_build_object('reason', p_asked->>'reason'));
  return jsonb_build_object(
    'tenant', to_jsonb(v_tenant) - 'kept_sealed' - 'product_config_sealed',
    'version', v_tenant.last_event,
    'names', (select coalesce(jsonb_agg(r.resource_id order by r.resource_id), '[]') from (
                select * from resource_ids x where x.tenant_id = p_tenant limit 20) r),
    'people', (select count(*) from people p where p.tenant_id = p_tenant),
    'credentials', (select coalesce(jsonb_agg(to_jsonb(c) - 'sealed' - 'key_hash' - 'tenant_id'
                                              order by c.created_at desc, c.id), '[]') from (
                      select * from credentials x where x.tenant_id = p_tenant and x.state <> 'revoked'
                      order by x.created_at desc limit 50) c),
    'usage', (select coalesce(jsonb_object_agg(m.dimension, m.quantity), '{}') from usage_months m
              where m.tenant_id = p_tenant and m.month = (p_asked->>'month')::timestamptz),
    'due', console_due(p_tenant),
    'heard', console_heard(p_tenant),
    'timeline', console_timeline(p_tenant, coalesce(p_asked->'before', '{}'), p_limit));
end $$;
select door('console_tenant(text, jsonb, integer)');

-- What an operator wishes for one tenant, made from what it was at event p.version: refused with what happened since, or
-- written into its history and its audit, and then nobody else's form from before counts. What does not bear on the
-- wish, such as a sign-in, is no change. A retry is done here, in the same moment. p = {by, at, act, reason, version,
-- operation, call, detail}.
create function console_act(p_tenant text, p jsonb, p_now timestamptz) returns jsonb language plpgsql as $$
declare
  v_tenant tenants;
  v_since jsonb;
  v_type text := case when p->>'act' = 'view' then 'operator.viewed' else 'operator.acted' end;
  v_told jsonb := jsonb_strip_nulls(jsonb_build_object('act', p->>'act', 'reason', p->>'reason', 'operation', p->>'operation',
    'call', p->'call', 'until', p->>'until'));
begin
  select * into v_tenant from tenants t where t.id = p_tenant and t.request_digest <> '' for no key update;
  if not found then
    return null;
  end if;
  if p->>'version' is not null then
    select jsonb_agg(jsonb_build_object('type', e.type, 'by', e."by", 'at', e.recorded_at, 'data', e.data) order by e.sequence)
    into v_since from (
      select * from lifecycle_events x where x.tenant_id = p_tenant and x.sequence > (p->>'version')::bigint
        and x.type <> all (array['signed_in', 'credential.revealed', 'operator.viewed', 'renamed', 'grant.exchanged',
                                 'event.given_up', 'endpoint.disabled'])
        and not starts_with(x.type, 'usage.') and not starts_with(x.type, 'external.')
      order by x.sequence limit 20) e;
    if v_since is not null then
      return jsonb_build_object('done', false, 'since', v_since);
    end if;
  end if;
  if p->>'operation' is not null then
    update operations set due_at = p_now
    where tenant_id = p_tenant and id = (p->>'operation')::uuid and state = 'running';
    if not found then
      return jsonb_build_object('done', false, 'since', '[]'::jsonb);
    end if;
  elsif p->'call' is not null then
    update owed_calls set state = 'owed', due_at = p_now, ended_at = null
    where tenant_id = p_tenant and sequence = (p->>'call')::bigint
      and (state = 'owed' or (state = 'given_up' and v_tenant.state not in ('deprovisioning', 'gone')));
    if not found then
      return jsonb_build_object('done', false, 'since', '[]'::jsonb);
    end if;
  end if;
  perform append_event(p_tenant, v_type, p->>'by', (p->>'at')::timestamptz, p_now, v_told);
  perform pg_notify('stallholder_due', '');
  perform write_audit(p_tenant, v_type, p->>'by', (p->>'at')::timestamptz, p_now, v_told);
  return jsonb_build_object('done', true, 'since', '[]'::jsonb);
end $$;
select door('console_act(text, jsonb, timestamptz)');
