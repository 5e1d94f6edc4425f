-- Exports: what leaves as a file, page by page. Each call reads a bounded part of the database and says where the next
-- one begins. A page is lines of JSON, and a last line {after}: null when that was all.

-- Behind row level security the planner takes a policy for a filter that lets little pass, and would rather read a whole table
-- and sort it than walk an index to the end of a page. So pages forbid that, until the transaction ends.
create function walk_indexes() returns void language sql as $$
  select set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('jit', 'off', true)
$$;
revoke all on function walk_indexes() from public;

-- Usage records by tenant, hour and dimension. p = {from, to, after: {tenant, hour, dimension}}. At most so many tenants are
-- looked at.
create function export_usage(p jsonb, p_limit integer, p_tenants integer) returns setof jsonb
language plpgsql stable as $$
declare
  v_after jsonb := p->'after';
  v_from timestamptz := greatest((p->>'from')::timestamptz, (v_after->>'hour')::timestamptz);
  v_tenant record;
  v_row record;
  v_given integer := 0;
  v_looked integer := 0;
begin
  perform walk_indexes();
  for v_tenant in
    select t.id, t.marketplace, t.plan from tenants t
    where t.id >= coalesce(v_after->>'tenant', '') order by t.id limit p_tenants
  loop
    v_looked := v_looked + 1;
    for v_row in
      select r.* from usage_records r
      where r.tenant_id = v_tenant.id and r.hour >= v_from and r.hour < (p->>'to')::timestamptz
        and (v_after->>'tenant' is distinct from v_tenant.id
             or (r.hour, r.dimension) > ((v_after->>'hour')::timestamptz, v_after->>'dimension'))
      order by r.hour, r.dimension limit p_limit - v_given
    loop
      v_given := v_given + 1;
      return next jsonb_build_object(
        'tenant', v_tenant.id, 'marketplace', v_tenant.marketplace, 'plan', v_tenant.plan,
        'hour', console_moment(v_row.hour), 'dimension', v_row.dimension, 'quantity', trim_scale(v_row.quantity)::text,
        'events', v_row.events::text, 'state', v_row.state, 'units', v_row.units::text, 'verdict', v_row.verdict,
        'accepted_at', console_moment(v_row.accepted_at));
    end loop;
    if v_given = p_limit then
      return next jsonb_build_object('after', jsonb_build_object(
        'tenant', v_tenant.id, 'hour', v_row.hour, 'dimension', v_row.dimension));
      return;
    end if;
    v_from := (p->>'from')::timestamptz;
  end loop;
  return next jsonb_build_object('after', case when v_looked = p_tenants then
    jsonb_build_object('tenant', v_tenant.id, 'hour', 'infinity', 'dimension', '') end);
end $$;
select door('export_usage(jsonb, integer, integer)');

-- Tenants by id, of those that were bought in a time. No owner, no person. p = {from, to, after: {tenant}}. So many are looked at.
create function export_tenants(p jsonb, p_limit integer) returns setof jsonb language plpgsql stable as $$
begin
  perform walk_indexes();
  return query
  with page as materialized (
    select * from tenants t where t.id > coalesce(p->'after'->>'tenant', '') order by t.id limit p_limit
  )
  select line from (
    select 1 as part, g.id, jsonb_build_object(
      'id', g.id, 'marketplace', g.marketplace, 'resource_id', g.resource_id, 'name', g.name, 'app', g.facts->>'app',
      'region', g.region, 'plan', g.plan, 'state', g.state, 'created_at', console_moment(g.created_at),
      'changed_at', console_moment(g.changed_at), 'ended_at', console_moment(g.ended_at)) as line
    from page g
    -- A removal that overtook its purchase left a row without a plan: it never was a tenant.
    where g.plan <> '' and g.created_at >= coalesce((p->>'from')::timestamptz, '-infinity')
      and g.created_at < coalesce((p->>'to')::timestamptz, 'infinity')
    union all
    select 2, null, jsonb_build_object('after', case when count(*) = p_limit then jsonb_build_object('tenant', max(g.id)) end)
    from page g) lines
  order by part, id;
end $$;
select door('export_tenants(jsonb, integer)');

-- Sums of one month over some tenants: what they used, by dimension, and the seconds for which they held their plan, under
-- the dimension ''. p = {from, to, after: {tenant}}: the month as far as it is wanted, the tenants after that one.
create function export_revenue(p jsonb, p_limit integer) returns setof jsonb language plpgsql stable as $$
begin
  perform walk_indexes();
  return query
  with month as (
    select (p->>'from')::timestamptz as starts, (p->>'to')::timestamptz as ends
  ), page as materialized (
    select t.id, t.marketplace, t.plan, t.state, t.created_at, t.ended_at from tenants t
    where t.id > coalesce(p->'after'->>'tenant', '') order by t.id limit p_limit
  ), used as (
    select g.marketplace, g.plan, r.dimension, count(distinct g.id) as tenants,
           sum(r.units) filter (where r.verdict in ('billed', 'billed_before')) as billed,
           sum(coalesce(r.units, r.quantity)) filter (where r.verdict is null) as waiting,
           sum(coalesce(r.units, r.quantity)) filter (where r.state in ('refused', 'expired') and r.verdict <> 'carried_over') as lost
    from month m cross join page g
    cross join lateral (
      select * from usage_records x where x.tenant_id = g.id and x.hour >= m.starts and x.hour < m.ends offset 0) r
    group by 1, 2, 3
  ), held as (
    select g.marketplace, g.plan, count(*) as tenants,
           sum(extract(epoch from least(coalesce(g.ended_at, m.ends), m.ends) - greatest(g.created_at, m.starts)))::bigint as seconds
    from month m cross join page g
    where g.state in ('active', 'suspended', 'deprovisioning', 'gone') and g.plan <> ''
      and g.created_at < m.ends and coalesce(g.ended_at, m.ends) > greatest(g.created_at, m.starts)
    group by 1, 2
  )
  select jsonb_build_object('marketplace', u.marketplace, 'plan', u.plan, 'dimension', u.dimension, 'tenants', u.tenants::text,
    'billed', coalesce(u.billed, 0)::text, 'waiting', coalesce(u.waiting, 0)::text, 'lost', coalesce(u.lost, 0)::text, 'seconds', '0')
  from used u
  union all
  select jsonb_build_object('marketplace', h.marketplace, 'plan', h.plan, 'dimension', '', 'tenants', h.tenants::text,
    'billed', '0', 'waiting', '0', 'lost', '0', 'seconds', h.seconds::text)
  from held h
  union all
  select jsonb_build_object('after', case when count(*) = p_limit then jsonb_build_object('tenant', max(g.id)) end) from page g;
end $$;
select door('export_revenue(jsonb, integer)');
