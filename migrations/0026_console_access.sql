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
