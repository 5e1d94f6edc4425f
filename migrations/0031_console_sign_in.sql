-- Operators by name: on their way to an identity provider, the list of people, and reading the audit.

-- Whoever is on the way has a session without a person. Strangers make those, so they are short and few.
create index console_sessions_strangers on console_sessions (started_at) where person is null;

-- As before; a session without a person ends after ten minutes, and of more than 10,000 the oldest go.
create or replace function console_put_session(p_digest text, p_person text, p_data jsonb, p_now timestamptz)
returns void language sql as $$
  delete from console_sessions where seen_at < p_now - interval '1 day';
  delete from console_sessions where person is null and started_at < p_now - interval '10 minutes';
  delete from console_sessions s where p_person is null and s.person is null and s.started_at < (
    select o.started_at from console_sessions o where o.person is null order by o.started_at desc offset 9999 limit 1);
  insert into console_sessions (digest, person, data, started_at, seen_at) values (p_digest, p_person, p_data, p_now, p_now)
  on conflict (digest) do update set person = excluded.person, data = excluded.data, seen_at = excluded.seen_at;
$$;
select door('console_put_session(text, text, jsonb, timestamptz)');

create or replace function console_find_session(p_digest text, p_seen_since timestamptz, p_started_since timestamptz, p_now timestamptz)
returns jsonb language sql as $$
  update console_sessions s set seen_at = greatest(s.seen_at, p_now)
  where s.digest = p_digest and s.seen_at >= p_seen_since and s.started_at >= p_started_since
    and case when s.person is null then s.started_at >= p_now - interval '10 minutes'
             when s.person = 'token' then true
             else exists (select from operators o where o.email = s.person) end
  returning s.data || jsonb_strip_nulls(jsonb_build_object('role',
    case when s.person = 'token' then 'admin' else (select o.role from operators o where o.email = s.person) end))
$$;
select door('console_find_session(text, timestamptz, timestamptz, timestamptz)');

-- Whether somebody may come in, who has proved who it is; the operators' audit then says by which way.
create function console_enter(p_person text, p_way text, p_now timestamptz) returns boolean language plpgsql as $$
begin
  if not exists (select from operators o where o.email = p_person) then
    return false;
  end if;
  perform write_audit('operator', 'person.signed_in', 'operator:' || p_person, p_now, p_now, jsonb_build_object('way', p_way));
  return true;
end $$;
select door('console_enter(text, text, timestamptz)');

-- A question to a SAML identity provider, and the e-mail that was answered. The browser that asked picks that up, once.
create table console_saml_requests (
  id          text primary key,
  issued      text not null,
  asked_at    timestamptz not null,
  answered_at timestamptz,
  email       text,
  taken_at    timestamptz
);
create index console_saml_requests_asked on console_saml_requests (asked_at);

create function console_ask_saml(p_id text, p_issued text, p_now timestamptz) returns void language sql as $$
  delete from console_saml_requests where asked_at < p_now - interval '10 minutes';
  delete from console_saml_requests r where r.asked_at < (
    select o.asked_at from console_saml_requests o order by o.asked_at desc offset 9999 limit 1);
  insert into console_saml_requests (id, issued, asked_at) values (p_id, p_issued, p_now);
$$;
select door('console_ask_saml(text, text, timestamptz)');

-- When a question was issued, while it waits for its answer.
create function console_asked_saml(p_id text, p_now timestamptz) returns text language sql stable as $$
  select r.issued from console_saml_requests r
  where r.id = p_id and r.answered_at is null and r.asked_at >= p_now - interval '10 minutes'
$$;
select door('console_asked_saml(text, timestamptz)');

-- The first answer counts: false for every other.
create function console_answer_saml(p_id text, p_email text, p_now timestamptz) returns boolean language plpgsql as $$
begin
  update console_saml_requests r set answered_at = p_now, email = p_email
  where r.id = p_id and r.answered_at is null and r.asked_at >= p_now - interval '10 minutes';
  return found;
end $$;
select door('console_answer_saml(text, text, timestamptz)');

create function console_take_saml(p_id text, p_now timestamptz) returns text language sql as $$
  update console_saml_requests r set taken_at = p_now
  where r.id = p_id and r.answered_at is not null and r.taken_at is null and r.asked_at >= p_now - interval '10 minutes'
  returning r.email
$$;
select door('console_take_saml(text, timestamptz)');

-- Looked at by what was done, and by whom. Only the operators' chain: a purchase pays for no list.
create index audit_entries_operator_action on audit_entries (action, sequence) where chain = 'operator';
create index audit_entries_operator_by on audit_entries ("by", sequence) where chain = 'operator';

-- Who may come in, and where the operators' chain stood then: a form made from it is good until somebody has changed
-- that person.
create function console_people(p_limit integer) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'version', (select coalesce(max(c.sequence), 0) from audit_chains c where c.chain = 'operator'),
    'people', (select coalesce(jsonb_agg(to_jsonb(p) order by p.email), '[]') from (
      select o.email, o.role, o.added_by, o.created_at,
             (select max(s.seen_at) from console_sessions s where s.person = o.email) as seen_at
      from operators o order by o.email limit p_limit) p))
$$;
select door('console_people(integer)');

-- Adds, changes or removes somebody, one at a time. Not when that person was changed after p.version (`since` says how, and
-- by whom), nor when no admin would be left and p.guarded. p = {act, email, role, version, guarded, by, at, reason}.
create function console_change_person(p jsonb, p_now timestamptz) returns jsonb language plpgsql as $$
declare
  v_before operators;
  v_since jsonb;
begin
  lock table operators in share row exclusive mode;
  select * into v_before from operators o where o.email = p->>'email';
  select jsonb_agg(jsonb_build_object('type', e.action, 'by', e."by", 'at', e.recorded_at, 'data', e.data) order by e.sequence)
  into v_since from (
    select * from audit_entries x
    where x.chain = 'operator' and x.action in ('person.added', 'person.role_changed', 'person.removed')
      and x.sequence > (p->>'version')::bigint and x.data->>'email' = p->>'email'
    order by x.sequence limit 20) e;
  if v_since is not null or (p->>'act' <> 'add' and v_before.email is null) then
    return jsonb_build_object('outcome', 'overtaken', 'since', coalesce(v_since, '[]'));
  end if;
  if p->>'act' = 'add' and v_before.email is not null then
    return jsonb_build_object('outcome', 'there');
  end if;
  if (p->>'guarded')::boolean and v_before.role = 'admin' and p->>'role' is distinct from 'admin'
     and not exists (select from operators o where o.role = 'admin' and o.email <> v_before.email) then
    return jsonb_build_object('outcome', 'last_admin');
  end if;

  if p->>'act' = 'add' then
    insert into operators (email, role, added_by, created_at, changed_at)
    values (p->>'email', p->>'role', p->>'by', p_now, p_now);
  elsif p->>'act' = 'remove' then
    delete from operators o where o.email = p->>'email';
    delete from console_sessions s where s.person = p->>'email';
  else
    update operators o set role = p->>'role', changed_at = p_now where o.email = p->>'email';
  end if;
  perform write_audit('operator',
    case p->>'act' when 'add' then 'person.added' when 'remove' then 'person.removed' else 'person.role_changed' end,
    p->>'by', (p->>'at')::timestamptz, p_now,
    jsonb_strip_nulls(jsonb_build_object('email', p->>'email', 'from', v_before.role, 'to', p->>'role', 'reason', p->>'reason')));
  return jsonb_build_object('outcome', 'done');
end $$;
select door('console_change_person(jsonb, timestamptz)');

-- The newest sequence of a chain that was written before a moment. Numbers and moments go up together, so this halves
-- the way, a lookup by key at each step; five minutes either side are for processes whose clocks differ.
create function console_audit_place(p_chain text, p_before timestamptz) returns bigint language plpgsql stable as $$
declare
  v_low bigint := 0;
  v_high bigint := (select c.sequence from audit_chains c where c.chain = p_chain);
  v_middle bigint;
  v_at timestamptz;
begin
  while v_low < v_high loop
    v_middle := (v_low + v_high + 1) / 2;
    select e.recorded_at into v_at from audit_entries e
    where e.chain = p_chain and e.sequence <= v_middle order by e.sequence desc limit 1;
    if v_at is null or v_at < p_before then
      v_low := v_middle;
    else
      v_high := v_middle - 1;
    end if;
  end loop;
  return coalesce(v_low, 0);
end $$;
revoke all on function console_audit_place(text, timestamptz) from public;

-- A page of one chain, newest first. p = {chain, action, by, from, until, before}; `looked` is how far it looked where a
-- filter let too few through, `more` says whether there may be something behind. Fields are as the checker reads them.
create function console_audit(p jsonb, p_limit integer, p_look integer) returns jsonb language plpgsql stable as $$
declare
  v_chain text := p->>'chain';
  v_from timestamptz := (p->>'from')::timestamptz;
  v_until timestamptz := (p->>'until')::timestamptz;
  v_below bigint := (p->>'before')::bigint;
  v_above bigint := 0;
  v_found jsonb;
begin
  if v_until is not null then
    v_below := least(v_below, console_audit_place(v_chain, v_until + interval '5 minutes') + 1);
  end if;
  if v_from is not null then
    v_above := console_audit_place(v_chain, v_from - interval '5 minutes');
  end if;
  -- As text: an index of the operators' chain alone serves only where the chain is written out. What narrows most is what
  -- is looked at, and that is bounded; the rest sieves.
  execute format($q$
    with looked as materialized (
      select e.* from audit_entries e
      where e.chain = %1$L and e.sequence > %2$L and e.sequence < %3$L %4$s %5$s
      order by e.sequence desc limit %6$L
    ), kept as (
      select l.* from looked l
      where (%7$L::timestamptz is null or l.recorded_at >= %7$L) and (%8$L::timestamptz is null or l.recorded_at < %8$L)
        and (%9$L::text is null or l.action = %9$L) and (%10$L::text is null or l."by" = %10$L)
      order by l.sequence desc limit %11$L
    )
    select jsonb_build_object(
      'rows', (select coalesce(jsonb_agg(jsonb_build_object(
          'sequence', k.sequence, 'at', audit_time(k.at), 'recordedAt', audit_time(k.recorded_at), 'by', k."by",
          'action', k.action, 'data', k.data::text, 'previous', encode(k.previous, 'hex'), 'hash', encode(k.hash, 'hex'))
        order by k.sequence desc), '[]') from kept k),
      'looked', (select case when count(*) >= %6$L then min(l.sequence) end from looked l))
  $q$, v_chain, v_above, coalesce(v_below, 9223372036854775807),
       case when v_chain = 'operator' and p->>'action' is not null then format('and e.action = %L', p->>'action') end,
       case when v_chain = 'operator' and p->>'action' is null and p->>'by' is not null then format('and e."by" = %L', p->>'by') end,
       p_look, v_from, v_until, p->>'action', p->>'by', p_limit) into v_found;
  return v_found || jsonb_build_object(
    'head', (select jsonb_build_object('sequence', c.sequence, 'anchored', c.anchored,
                                       'hash', encode(h.hash, 'hex'), 'at', audit_time(a.at))
             from audit_chains c
             left join audit_heads h on h.chain = c.chain and h.sequence = c.anchored
             left join audit_anchors a on a.sequence = h.anchor
             where c.chain = v_chain));
end $$;
select door('console_audit(jsonb, integer, integer)');
