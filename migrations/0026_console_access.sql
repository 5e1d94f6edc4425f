-- Who may come into the console, and the browsers in which they are signed in.

-- The vendor's own people: no tenant in it.
create table operators (
  -- In small letters; what the identity provider says is brought to them too.
  email      text primary key check (email = lower(email) and length(email) between 3 and 254 and email like '%_@_%'),
  role       text not null check (role in ('viewer', 'support', 'operator', 'admin')),
  added_by   text not null,
  created_at timestamptz not null,
  changed_at timestamptz not null
);
select app_may('select on operators');

-- The id is a bearer secret: only its digest is here. `person` is an e-mail or `token`; null while somebody is at the
-- identity provider. What a person may is not here: it is asked for with every request.
create table console_sessions (
  digest     text primary key,
  person     text,
  data       jsonb not null,
  started_at timestamptz not null,
  seen_at    timestamptz not null
);
create index console_sessions_seen on console_sessions (seen_at);
create index console_sessions_person on console_sessions (person);

-- Replacing a session counts as a request. Whatever ended long ago goes.
create function console_put_session(p_digest text, p_person text, p_data jsonb, p_now timestamptz)
returns void language sql as $$
  delete from console_sessions where seen_at < p_now - interval '1 day';
  insert into console_sessions (digest, person, data, started_at, seen_at) values (p_digest, p_person, p_data, p_now, p_now)
  on conflict (digest) do update set person = excluded.person, data = excluded.data, seen_at = excluded.seen_at;
$$;
select door('console_put_session(text, text, jsonb, timestamptz)');

-- A session that is neither idle too long nor too old, with the role its person has now; of a person who may no longer
-- come in there is none. Finding it counts as a request.
create function console_find_session(p_digest text, p_seen_since timestamptz, p_started_since timestamptz, p_now timestamptz)
returns jsonb language sql as $$
  update console_sessions s set seen_at = greatest(s.seen_at, p_now)
  where s.digest = p_digest and s.seen_at >= p_seen_since and s.started_at >= p_started_since
    and (s.person is null or s.person = 'token' or exists (select from operators o where o.email = s.person))
  returning s.data || jsonb_strip_nulls(jsonb_build_object('role',
    case when s.person = 'token' then 'admin' else (select o.role from operators o where o.email = s.person) end))
$$;
select door('console_find_session(text, timestamptz, timestamptz, timestamptz)');

create function console_end_session(p_digest text) returns void language sql as $$
  delete from console_sessions where digest = p_digest
$$;
select door('console_end_session(text)');

-- What the first page looks at. Everything is bounded: no count goes beyond 1,000, however many there are.
create index usage_records_accepted on usage_records (hour) where state = 'accepted';
create index owed_calls_given_up on owed_calls (ended_at) where state = 'given_up';
create index heroku_grants_lost on heroku_grants (tenant_id) where state = 'lost';

create function console_home(p_marketplaces text[], p_now timestamptz) returns jsonb
language sql stable as $$
  with heard as (
    select e.at, substr(e."by", 13) as marketplace from (
      select l.recorded_at as at, l."by" from lifecycle_events l order by l.recorded_at desc limit 1000) e
    where starts_with(e."by", 'marketplace:')
    union all select max(received_at), 'aws' from aws_messages where source <> 'sweep'
    union all select max(seen_at), 'heroku' from heroku_webhook_events
  ), accepted as (
    select t.marketplace, max(r.hour) as hour from (
      select tenant_id, hour from usage_records where state = 'accepted' order by hour desc limit 1000) r
    join tenants t on t.id = r.tenant_id group by 1
  ), waiting as (
    select t.marketplace, min(r.expires_at) as deadline, min(r.hour) as hour,
           count(*) filter (where r.expires_at <= p_now + interval '6 hours') as at_risk,
           sum(r.units) filter (where r.expires_at <= p_now + interval '6 hours') as units
    from (select tenant_id, expires_at, hour, coalesce(units, quantity) as units from usage_records
          where state in ('sealed', 'sent') and verdict is null order by expires_at limit 1000) r
    join tenants t on t.id = r.tenant_id where r.expires_at is not null group by 1
  ), lost as (
    select t.marketplace, count(*) as records, sum(r.units) as units from (
      select tenant_id, coalesce(units, quantity) as units from usage_records
      where state in ('refused', 'expired') and verdict <> 'carried_over' limit 1000) r
    join tenants t on t.id = r.tenant_id group by 1
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
