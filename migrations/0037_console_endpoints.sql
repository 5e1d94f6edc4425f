-- The console's endpoints: how each stands, its attempts, and what operators do to it.

-- The last one that was taken, and those that were not: each at the head of an index.
create index event_deliveries_taken on event_deliveries (endpoint_id, started_at desc) where outcome = 'delivered';
create index event_deliveries_failed on event_deliveries (endpoint_id, started_at desc, id) where outcome <> 'delivered';

-- What operators did to an endpoint, so that of two at once the second is told. The vendor's own: no tenant in it.
create table endpoint_acts (
  endpoint_id text not null references endpoints (id) on delete cascade,
  sequence    bigint generated always as identity,
  act         text not null,
  by          text not null,
  reason      text not null,
  at          timestamptz not null,
  primary key (endpoint_id, sequence)
);

-- What a form is made from: how it is set up and the last act. A test or one event sent again leaves the endpoint as it is.
create function console_endpoint_version(e endpoints) returns text language sql stable as $$
  select concat_ws('-', md5((to_jsonb(e) - 'failing_since' - 'quiet_until' - 'ends_at')::text),
    (select a.sequence from endpoint_acts a where a.endpoint_id = e.id and a.act not in ('test', 'resend')
     order by a.sequence desc limit 1))
$$;

-- Without secrets: only until when the older ones sign. A thousand is as far as is counted.
create function console_endpoint_line(e endpoints) returns jsonb language sql stable as $$
  select to_jsonb(e) - 'secrets' - 'only_tenant' - 'ends_at' || jsonb_build_object(
    'version', console_endpoint_version(e),
    'old_secrets_end', (select coalesce(jsonb_agg(s->'ends_at' order by s->>'ends_at'), '[]')
                        from jsonb_array_elements(e.secrets) s where s->>'ends_at' is not null),
    'owed', (select count(*) from (select from owed_events o where o.endpoint_id = e.id and o.state = 'owed' limit 1000) n),
    'oldest_owed_at', (select o.created_at from owed_events o where o.endpoint_id = e.id and o.state = 'owed'
                       order by o.created_at limit 1),
    'last_success', (select d.started_at from event_deliveries d where d.endpoint_id = e.id and d.outcome = 'delivered'
                     order by d.started_at desc limit 1))
$$;
revoke all on function console_endpoint_version(endpoints), console_endpoint_line(endpoints) from public;

create function console_endpoints() returns setof jsonb language sql stable as $$
  select console_endpoint_line(e) from endpoints e where e.kind <> 'listener' order by e.created_at, e.id
$$;
select door('console_endpoints()');

-- One of them, what operators did to it last, and a page of its attempts, newest first. p = {failed, after: {at, id}}. Null
-- where there is none.
create function console_endpoint(p_endpoint text, p jsonb, p_limit integer) returns jsonb language plpgsql stable as $$
declare
  e endpoints;
  v_attempts jsonb;
begin
  select * into e from endpoints where id = p_endpoint and kind <> 'listener';
  if not found then
    return null;
  end if;
  -- Two statements: each has an index of its own.
  if (p->>'failed')::boolean then
    select jsonb_agg(to_jsonb(x)) into v_attempts from (
      select d.* from event_deliveries d
      where d.endpoint_id = p_endpoint and d.outcome <> 'delivered'
        and d.started_at <= coalesce((p->'after'->>'at')::timestamptz, 'infinity')
        and (p->'after' is null or d.started_at < (p->'after'->>'at')::timestamptz or d.id > (p->'after'->>'id')::uuid)
      order by d.started_at desc, d.id limit p_limit) x;
  else
    select jsonb_agg(to_jsonb(x)) into v_attempts from (
      select d.* from event_deliveries d
      where d.endpoint_id = p_endpoint
        and d.started_at <= coalesce((p->'after'->>'at')::timestamptz, 'infinity')
        and (p->'after' is null or d.started_at < (p->'after'->>'at')::timestamptz or d.id > (p->'after'->>'id')::uuid)
      order by d.started_at desc, d.id limit p_limit) x;
  end if;
  return jsonb_build_object(
    'endpoint', console_endpoint_line(e),
    'acts', (select coalesce(jsonb_agg(to_jsonb(a) - 'endpoint_id' order by a.sequence desc), '[]') from (
               select * from endpoint_acts x where x.endpoint_id = p_endpoint order by x.sequence desc limit 10) a),
    -- Only what is in a history can be sent again: what was made up is nowhere.
    'attempts', (select coalesce(jsonb_agg(d || jsonb_build_object(
                   'name', (select coalesce(nullif(t.name, ''), t.resource_id) from tenants t where t.id = d->>'tenant_id'),
                   'lasting', exists (select from owed_events o where o.tenant_id = d->>'tenant_id' and o.endpoint_id = p_endpoint
                                        and o.event_id = (d->>'event_id')::uuid and o.made_up is null)) order by place), '[]')
                 from jsonb_array_elements(coalesce(v_attempts, '[]')) with ordinality as a(d, place)));
end $$;
select door('console_endpoint(text, jsonb, integer)');

-- What an operator wishes for an endpoint is written down before it is done, in the same moment in which it is looked
-- whether the form still stands. p = {act, by, at, reason, version, seen, delivery, since};
-- `seen` is the newest act that the form knew.
-- Answers {done, since, endpoint}; null where there is none.
create function console_endpoint_act(p_endpoint text, p jsonb, p_now timestamptz) returns jsonb language plpgsql as $$
declare
  e endpoints;
  v_told jsonb := jsonb_strip_nulls(jsonb_build_object('act', p->>'act', 'endpoint', p_endpoint, 'reason', p->>'reason',
                                                       'delivery', p->>'delivery', 'since', p->>'since'));
  v_tenant text;
begin
  select * into e from endpoints where id = p_endpoint and kind <> 'listener' for no key update;
  if not found then
    return null;
  end if;
  if p->>'version' is not null and p->>'version' <> console_endpoint_version(e) then
    return jsonb_build_object('done', false, 'endpoint', console_endpoint_line(e),
      'since', (select coalesce(jsonb_agg(to_jsonb(a) - 'endpoint_id' order by a.sequence), '[]') from endpoint_acts a
                where a.endpoint_id = p_endpoint and a.sequence > (p->>'seen')::bigint and a.act not in ('test', 'resend')));
  end if;
  select d.tenant_id into v_tenant from event_deliveries d
  join owed_events o on o.tenant_id = d.tenant_id and o.endpoint_id = d.endpoint_id and o.event_id = d.event_id
  where d.endpoint_id = p_endpoint and d.id = (p->>'delivery')::uuid and o.made_up is null;
  if p->>'act' = 'resend' and v_tenant is null then
    return jsonb_build_object('done', false, 'endpoint', console_endpoint_line(e), 'since', '[]'::jsonb);
  end if;
  insert into endpoint_acts (endpoint_id, act, by, reason, at)
  values (p_endpoint, p->>'act', p->>'by', p->>'reason', (p->>'at')::timestamptz);
  perform write_audit('operator', 'operator.acted', p->>'by', (p->>'at')::timestamptz, p_now, v_told);
  -- The tenant whose event is sent again has it in its own chain too.
  if v_tenant is not null then
    perform write_audit(v_tenant, 'operator.acted', p->>'by', (p->>'at')::timestamptz, p_now, v_told);
  end if;
  return jsonb_build_object('done', true, 'since', '[]'::jsonb, 'endpoint', console_endpoint_line(e));
end $$;
select door('console_endpoint_act(text, jsonb, timestamptz)');
