-- Pages that grew with the number of tenants. Behind row level security the planner believes that one row in two hundred may be
-- seen, and then joins a bounded list of records with every tenant of a marketplace. Who they are is now looked up, one by one.

-- Read whole, every record there ever was: what is open has no verdict yet, and of those there is an index.
create or replace function oldest_unsealed() returns timestamptz
language sql stable as $$
  select min(r.hour) + interval '70 minutes' from usage_records r where r.state = 'open' and r.verdict is null
$$;
select door('oldest_unsealed()');

-- Who a record is of, as a list shows it.
create function console_who(p_tenant text) returns jsonb language sql stable as $$
  select jsonb_build_object('name', coalesce(nullif(t.name, ''), t.resource_id), 'marketplace', t.marketplace)
  from tenants t where t.id = p_tenant
$$;
revoke all on function console_who(text) from public;

create or replace function console_home(p_marketplaces text[], p_now timestamptz) returns jsonb
language sql stable as $$
  with heard as materialized (
    select e.at, substr(e."by", 13) as marketplace from (
      select l.recorded_at as at, l."by" from lifecycle_events l order by l.recorded_at desc limit 1000) e
    where starts_with(e."by", 'marketplace:')
    union all select max(received_at), 'aws' from aws_messages where source <> 'sweep'
    union all select max(seen_at), 'heroku' from heroku_webhook_events
  ), accepted as materialized (
    select (select t.marketplace from tenants t where t.id = r.tenant_id) as marketplace, max(r.hour) as hour from (
      select tenant_id, hour from usage_records where state = 'accepted' order by hour desc limit 1000) r group by 1
  ), waiting as materialized (
    select (select t.marketplace from tenants t where t.id = r.tenant_id) as marketplace,
           min(r.expires_at) as deadline, min(r.hour) as hour,
           count(*) filter (where r.expires_at <= p_now + interval '6 hours') as at_risk,
           sum(r.units) filter (where r.expires_at <= p_now + interval '6 hours') as units
    from (select tenant_id, expires_at, hour, coalesce(units, quantity) as units from usage_records
          where state in ('sealed', 'sent') and verdict is null order by expires_at limit 1000) r
    where r.expires_at is not null group by 1
  ), lost as materialized (
    select (select t.marketplace from tenants t where t.id = r.tenant_id) as marketplace, count(*) as records, sum(r.units) as units from (
      select tenant_id, coalesce(units, quantity) as units from usage_records
      where state in ('refused', 'expired') and verdict <> 'carried_over' limit 1000) r group by 1
  ), failing as (
    select c.marketplace, count(*) as calls, min(c.created_at) as since from (
      select marketplace, created_at from owed_calls where state = 'owed' and attempts > 0 and due_at <= p_now + interval '1 day'
      limit 1000) c group by 1
  ), given_up as (
    select c.marketplace, count(*) as calls from (
      select marketplace from owed_calls where state = 'given_up' and ended_at > p_now - interval '1 day' limit 1000) c group by 1
  )
  select jsonb_build_object(
    'untried', oldest_untried(p_now),
    'unsealed', oldest_unsealed(),
    'worker', (select max(seen_at) from workers),
    'endpoints', (select coalesce(jsonb_agg(e), '[]') from (
      select id, name, state, failing_since from endpoints
      where state = 'disabled' or failing_since is not null order by failing_since, id limit 20) e),
    'marketplaces', (select coalesce(jsonb_agg(jsonb_build_object(
      'name', m.name,
      'heard', (select max(h.at) from heard h where h.marketplace = m.name),
      'accepted', (select a.hour from accepted a where a.marketplace = m.name),
      'waiting', (select to_jsonb(w) from waiting w where w.marketplace = m.name),
      'lost', (select to_jsonb(l) from lost l where l.marketplace = m.name),
      'failing', (select to_jsonb(f) from failing f where f.marketplace = m.name),
      'given_up', (select g.calls from given_up g where g.marketplace = m.name),
      'unclaimed', case when m.name = 'aws' then (select count(*) from (
        select from aws_licences where tenant_id is null and state not in ('superseded', 'ended', 'failed') limit 1000) u) end,
      'lost_grants', case when m.name = 'heroku' then (select count(*) from (
        select from heroku_grants where state = 'lost' limit 1000) g) end
      ) order by m.place), '[]') from unnest(p_marketplaces) with ordinality m (name, place)))
$$;
select door('console_home(text[], timestamptz)');

create or replace function console_marketplaces(p_marketplaces text[]) returns jsonb language sql stable as $$
  with heard as materialized (
    select e.at, substr(e."by", 13) as marketplace from (
      select l.recorded_at as at, l."by" from lifecycle_events l order by l.recorded_at desc limit 1000) e
    where starts_with(e."by", 'marketplace:')
    union all select max(received_at), 'aws' from aws_messages where source <> 'sweep'
    union all select max(seen_at), 'heroku' from heroku_webhook_events
  ), told as materialized (
    select (select t.marketplace from tenants t where t.id = r.tenant_id) as marketplace, max((
      select a.ended_at from usage_attempts a
      where a.tenant_id = r.tenant_id and a.hour = r.hour and a.dimension = r.dimension and a.n = r.attempts)) as at
    from (select tenant_id, hour, dimension, attempts from usage_records where state = 'accepted' order by hour desc limit 1000) r
    group by 1
    union all
    select m.name, (select c.ended_at from owed_calls c where c.marketplace = m.name and c.state = 'delivered'
                    order by c.ended_at desc limit 1) from unnest(p_marketplaces) m (name)
  )
  select jsonb_object_agg(m.name, jsonb_build_object(
    'heard', (select max(h.at) from heard h where h.marketplace = m.name),
    'told', (select max(t.at) from told t where t.marketplace = m.name))) from unnest(p_marketplaces) m (name)
$$;
select door('console_marketplaces(text[])');

create or replace function console_work(p jsonb, p_limit integer) returns jsonb language sql stable as $$
  with looked as materialized (
    select * from console_work_rows(p - 'after', 1000)
  )
  select jsonb_build_object(
    'looked', (select count(*) from looked),
    'groups', (select coalesce(jsonb_agg(to_jsonb(g) order by g.count desc, g."group"), '[]') from (
      select l."group", l.marketplace, l.kind, console_fault_kind(min(l.fault)) as fault, count(*) as count, min(l.since) as since
      from looked l group by l."group", l.marketplace, l.kind order by count(*) desc, l."group" limit 30) g),
    'rows', (select coalesce(jsonb_agg(to_jsonb(r) || jsonb_build_object('name', console_who(r.tenant_id)->'name')
                                       order by r.place), '[]')
      from (select * from console_work_rows(p, p_limit) with ordinality
              as w(tenant_id, ref, kind, marketplace, since, due_at, attempts, fault, "group", place)) r))
$$;
select door('console_work(jsonb, integer)');

create or replace function console_waiting_usage(p_after jsonb, p_limit integer) returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(console_who(r.tenant_id) || jsonb_build_object(
    'at', console_moment(r.expires_at), 'tenant', r.tenant_id, 'hour', console_moment(r.hour), 'dimension', r.dimension, 'quantity', r.quantity::text,
    'units', r.units, 'state', r.state, 'attempts', r.attempts, 'verdict', r.verdict, 'message', r.message)
    order by r.expires_at, r.tenant_id, r.hour, r.dimension), '[]')
  from (
    select * from usage_records x
    where x.state in ('sealed', 'sent') and x.verdict is null and x.expires_at is not null
      and (x.expires_at, x.tenant_id, x.hour, x.dimension) >
          (coalesce((p_after->>'at')::timestamptz, '-infinity'), coalesce(p_after->>'tenant', ''),
           coalesce((p_after->>'hour')::timestamptz, '-infinity'), coalesce(p_after->>'dimension', ''))
    order by x.expires_at, x.tenant_id, x.hour, x.dimension limit p_limit) r
$$;

create or replace function console_ended_usage(p_since timestamptz, p_before jsonb, p_limit integer) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(console_who(r.tenant_id) || jsonb_build_object(
    'at', console_moment(r.settled_at), 'tenant', r.tenant_id, 'hour', console_moment(r.hour), 'dimension', r.dimension, 'quantity', r.quantity::text,
    'units', r.units, 'state', r.state, 'attempts', r.attempts, 'verdict', r.verdict, 'message', r.message)
    order by r.settled_at desc, r.tenant_id desc, r.hour desc, r.dimension desc), '[]')
  from (
    select * from usage_records x
    where x.state in ('refused', 'expired') and x.settled_at > p_since
      and (x.settled_at, x.tenant_id, x.hour, x.dimension) <
          (coalesce((p_before->>'at')::timestamptz, 'infinity'), coalesce(p_before->>'tenant', ''),
           coalesce((p_before->>'hour')::timestamptz, 'infinity'), coalesce(p_before->>'dimension', ''))
    order by x.settled_at desc, x.tenant_id desc, x.hour desc, x.dimension desc limit p_limit) r
$$;

-- Names that begin with what is looked for. Of two beginnings an index takes one to start from, and it took the one that is
-- before every name: now neither is.
create or replace function console_named(p jsonb, p_limit integer, p_look integer) returns jsonb language sql stable as $$
  with fits as materialized (
    select x.term, x.tenant_id, x.kind from tenant_terms x
    where x.term >= lower(p->>'q') and x.term < lower(p->>'q') || chr(1114111)
      and (x.term, x.tenant_id) > (greatest(p->'after'->>'term' collate "C", lower(p->>'q') collate "C"), coalesce(p->'after'->>'id', ''))
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
