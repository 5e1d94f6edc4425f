-- The console's deliveries: what is owed or runs over all tenants, alike faults together. What waits without a fault is
-- little, and has the index of what is due: a purchase need not pay for another one.

create index owed_calls_failing on owed_calls (created_at, tenant_id, sequence) where state = 'owed' and last_fault is not null;
create index owed_calls_over on owed_calls (created_at, tenant_id, sequence) where state = 'given_up';
create index operations_failing on operations (created_at, tenant_id, id) where state = 'running' and last_fault is not null;
create index operations_given_up on operations (created_at, tenant_id, id) where state = 'failed';

-- Which faults are alike: numbers and ids in them do not tell them apart, three digits (a status) do.
create function console_fault_kind(p_fault text) returns text language sql stable as $$
  select left(regexp_replace(coalesce(p_fault, ''), '[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]{4,}', '…', 'g'), 160)
$$;

-- One list in its order: the oldest first, what was given up the newest first. p = {of, state, after: {at, tenant, ref}}.
create function console_work_rows(p jsonb, p_limit integer)
returns table (tenant_id text, ref text, kind text, marketplace text, since timestamptz, due_at timestamptz, attempts integer,
               fault text, "group" text) language plpgsql stable as $$
declare
  v_calls boolean := p->>'of' = 'calls';
  v_over boolean := p->>'state' = 'given_up';
  v_ref text := case when v_calls then 'sequence' else 'id' end;
  v_type text := case when v_calls then 'bigint' else 'uuid' end;
  v_way text := case when v_over then 'desc' else 'asc' end;
  v_state text := case when v_over and v_calls then $s$x.state = 'given_up'$s$
                       when v_over then $s$x.state = 'failed'$s$
                       else format('x.state = %L and x.last_fault is %s null', case when v_calls then 'owed' else 'running' end,
                                   case when p->>'state' = 'failing' then 'not' else '' end) end;
  v_after text := case when p->'after' is null then '' else format('and (x.created_at, x.tenant_id, x.%s) %s (%L::timestamptz, %L, %L::%s)',
    v_ref, case when v_over then '<' else '>' end, p->'after'->>'at', p->'after'->>'tenant', p->'after'->>'ref', v_type) end;
begin
  return query execute format($q$
    select w.tenant_id, w.ref, w.kind, w.marketplace, w.created_at, w.due_at, w.attempts, w.last_fault,
           md5(concat_ws('|', w.marketplace, w.kind, console_fault_kind(w.last_fault)))
    from (
      select x.tenant_id, x.%1$s::text as ref, x.kind, %2$s as marketplace, x.created_at, x.due_at, x.attempts, x.last_fault
      from %3$s x where %4$s %5$s order by x.created_at %6$s, x.tenant_id %6$s, x.%1$s %6$s limit %7$s) w
  $q$, v_ref, case when v_calls then 'x.marketplace' else $s$'product'$s$ end,
       case when v_calls then 'owed_calls' else 'operations' end, v_state, v_after, v_way, p_limit);
end $$;
revoke all on function console_fault_kind(text), console_work_rows(jsonb, integer) from public;

-- A page of what is owed, and what is alike among the first thousand.
create function console_work(p jsonb, p_limit integer) returns jsonb language sql stable as $$
  with looked as materialized (
    select * from console_work_rows(p - 'after', 1000)
  )
  select jsonb_build_object(
    'looked', (select count(*) from looked),
    'groups', (select coalesce(jsonb_agg(to_jsonb(g) order by g.count desc, g."group"), '[]') from (
      select l."group", l.marketplace, l.kind, console_fault_kind(min(l.fault)) as fault, count(*) as count, min(l.since) as since
      from looked l group by l."group", l.marketplace, l.kind order by count(*) desc, l."group" limit 30) g),
    'rows', (select coalesce(jsonb_agg(to_jsonb(r) || jsonb_build_object('name', coalesce(nullif(t.name, ''), t.resource_id))
                                       order by r.place), '[]')
      from (select * from console_work_rows(p, p_limit) with ordinality
              as w(tenant_id, ref, kind, marketplace, since, due_at, attempts, fault, "group", place)) r
      join tenants t on t.id = r.tenant_id))
$$;
select door('console_work(jsonb, integer)');

-- What is alike becomes due, so many at once, each written into its tenant's history and audit as if done alone. Says how
-- many, and how many of the first thousand are left. p = {of, state, group, by, at, reason}.
create function console_retry_group(p jsonb, p_now timestamptz, p_limit integer) returns jsonb language plpgsql as $$
declare
  v_one record;
  v_done integer := 0;
  v_seen integer := 0;
  v_told jsonb := jsonb_build_object('act', 'retry', 'by', p->>'by', 'at', p->>'at', 'reason', p->>'reason');
begin
  for v_one in
    select w.tenant_id, w.ref from console_work_rows(p - 'after', 1000) w
    join tenants t on t.id = w.tenant_id
    where w."group" = p->>'group'
      and case when p->>'state' = 'given_up' then t.state not in ('deprovisioning', 'gone') else w.due_at > p_now end
    order by w.tenant_id, w.ref
  loop
    v_seen := v_seen + 1;
    continue when v_seen > p_limit;
    if (console_act(v_one.tenant_id, v_told || case when p->>'of' = 'calls'
          then jsonb_build_object('call', v_one.ref::bigint) else jsonb_build_object('operation', v_one.ref) end,
        p_now)->>'done')::boolean then
      v_done := v_done + 1;
    end if;
  end loop;
  return jsonb_build_object('done', v_done, 'left', greatest(v_seen - p_limit, 0));
end $$;
select door('console_retry_group(jsonb, timestamptz, integer)');
