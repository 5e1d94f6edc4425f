-- AWS Marketplace: its messages as they came, the licences they are about, and the registrations of buyers.

-- Usage of a purchase that ends is closed before its tenant is gone: as after a deprovision, what is stored later is
-- refused and the running hour is sealed at once, but the customer is not shut out yet.
create function close_usage_of(p_tenant text, p_now timestamptz) returns void
language sql as $$
  insert into usage_closings (tenant_id, asked_at) values (p_tenant, p_now) on conflict do nothing
$$;
select door('close_usage_of(text, timestamptz)');

-- The customer stayed after all. An hour that was sealed early takes nothing any more, so usage is open again only when
-- the gate has passed it (five minutes are what an event may be early); until then this answers false.
create function reopen_usage_of(p_tenant text) returns boolean
language plpgsql as $$
begin
  if not exists (select from usage_closings c where c.tenant_id = p_tenant) then
    return true;
  end if;
  -- Nobody sums meanwhile: whoever does has read which tenants are closing.
  perform pg_advisory_xact_lock(7355, 2);
  delete from usage_closings c using usage_gate g
  where c.tenant_id = p_tenant
    and (c.sealed_at is null or g.sealed_through >= date_trunc('hour', c.sealed_at + interval '5 minutes', 'UTC'));
  return not exists (select from usage_closings c where c.tenant_id = p_tenant);
end $$;
select door('reopen_usage_of(text)');

-- The inbox. No tenant in it: whose a message is, is found later, and only through doors. `body` is what came, byte for
-- byte; what it says is read from it by the worker, and can be read again.
create table aws_messages (
  id           bigint generated always as identity primary key,
  -- Who gives the message its id: the same event by two ways is one.
  source       text not null check (source in ('eventbridge', 'sns', 'queue', 'sweep')),
  message_id   text not null,
  received_at  timestamptz not null,
  -- When the carrier says that it was sent, for what carries no time of its own.
  sent_at      timestamptz,
  body         bytea not null,
  -- waiting: about an agreement whose licence is not known yet. flagged: for a person to look at.
  state        text not null check (state in ('stored', 'applied', 'waiting', 'ignored', 'flagged')),
  fault        text,
  -- What it says, in one closed set of facts.
  fact         text check (fact in ('agreed', 'failed', 'began', 'changed', 'superseded', 'ending', 'ended')),
  about        jsonb,
  at           timestamptz,
  licence_key  text,
  agreement_id text,
  tries        integer not null default 0,
  due_at       timestamptz not null,
  unique (source, message_id)
);
create index aws_messages_due on aws_messages (due_at, id) where state = 'stored';
create index aws_messages_licence on aws_messages (licence_key, at) where licence_key is not null;
create index aws_messages_agreement on aws_messages (agreement_id, at) where agreement_id is not null;
create index aws_messages_flagged on aws_messages (received_at) where state in ('flagged', 'waiting');
create index aws_messages_received on aws_messages (received_at);

-- One purchase as AWS names it. The tenant comes when registration and licence event are both known; those of a chain of
-- renewals share one. Everything but the identity can be worked out again from the messages and from AWS.
create table aws_licences (
  key                  text primary key,
  generation           text not null check (generation in ('licence', 'legacy')),
  arn                  text,
  product_code         text,
  product_id           text,
  account              text,
  customer             text,
  agreement_id         text,
  initial_agreement_id text,
  -- What the agreement says of itself: end, what happens then, trial. Enriches, decides nothing.
  agreement            jsonb,
  -- Where its usage is metered: never another region afterwards.
  region               text not null,
  state                text not null default 'unknown'
                       check (state in ('unknown', 'active', 'superseded', 'ending', 'ended', 'failed')),
  started_at           timestamptz,
  ended_at             timestamptz,
  end_reason           text,
  trial                boolean not null default false,
  -- The last good copy of GetEntitlements, and when it was had.
  entitlements         jsonb,
  -- What they included when it was last looked at, by period.
  included             jsonb,
  entitlements_at      timestamptz,
  entitlements_stale   boolean not null default false,
  entitlements_due_at  timestamptz,
  registered_at        timestamptz,
  contact_sealed       text,
  tenant_id            text references tenants (id),
  -- Counts the tenants that a key has had: a customer who left may come back under the same key.
  term                 integer not null default 1,
  -- It is about to have a tenant of its own: until that is settled, none of its relatives gets one.
  reserves_tenant      boolean not null default false,
  -- From when on the licence pays: kept, because the change of a generation falls on an hour and stays there.
  bills_from           timestamptz,
  -- Billing was ended with this.
  billing_ended_at     timestamptz,
  -- The tenant was deprovisioned because of this end, and not because somebody here wanted it.
  parted_at            timestamptz,
  -- Up to when news of it have been passed on to billing.
  heard_at             timestamptz,
  -- Why a person should look at it.
  review               text,
  created_at           timestamptz not null,
  changed_at           timestamptz not null,
  due_at               timestamptz,
  -- Counts what was learned: whoever settles an older state is not the last to look.
  news                 bigint not null default 1,
  lease                uuid,
  lease_until          timestamptz,
  tries                integer not null default 0
);
create index aws_licences_due on aws_licences (due_at) where due_at is not null;
create index aws_licences_tenant on aws_licences (tenant_id) where tenant_id is not null;
create index aws_licences_agreement on aws_licences (agreement_id) where agreement_id is not null;
create index aws_licences_chain on aws_licences (initial_agreement_id) where initial_agreement_id is not null;
create index aws_licences_customer on aws_licences (product_code, customer) where customer is not null;
create index aws_licences_unclaimed on aws_licences (created_at) where tenant_id is null;
select wall('aws_licences', 'tenant_id');
select app_may('select, update (contact_sealed) on aws_licences');

-- Registration tokens, by digest. One that AWS could not resolve at once waits here, sealed, until it can.
create table aws_tokens (
  digest      text primary key,
  licence_key text,
  sealed      text,
  trial       boolean not null default false,
  -- What AWS said of it, once it has been refused.
  fault       text,
  created_at  timestamptz not null,
  until       timestamptz not null,
  due_at      timestamptz,
  tries       integer not null default 0
);
create index aws_tokens_due on aws_tokens (due_at) where due_at is not null;
create index aws_tokens_until on aws_tokens (until);

-- Work that one process at a time does every so often, and how far it came.
create table aws_rounds (
  name    text primary key,
  through timestamptz,
  place   text,
  due_at  timestamptz not null
);

-- A tenant on its way out: what its buyer wrote about himself goes with it.
create function forget_aws_contact() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
  update aws_licences set contact_sealed = null where tenant_id = new.id;
  return null;
end $$;
create trigger forget_aws_contact after update of state on tenants for each row
when (new.marketplace = 'aws' and new.state in ('failed', 'deprovisioning', 'gone')
      and new.state is distinct from old.state)
execute function forget_aws_contact();

-- Keeps a message unless it is there already; answers whether it was new. The worker is woken by the commit.
create function aws_keep_message(p_source text, p_message_id text, p_body bytea, p_sent_at timestamptz, p_now timestamptz)
returns boolean language plpgsql as $$
begin
  insert into aws_messages (source, message_id, body, sent_at, received_at, state, due_at)
  values (p_source, p_message_id, p_body, p_sent_at, p_now, 'stored', p_now)
  on conflict (source, message_id) do nothing;
  if not found then
    return false;
  end if;
  if pg_try_advisory_xact_lock(7355609) then
    perform pg_notify('stallholder_due', '');
  end if;
  return true;
end $$;
select door('aws_keep_message(text, text, bytea, timestamptz, timestamptz)');

-- Messages nobody has read, oldest first, leased until p_until.
create function aws_claim_messages(p_now timestamptz, p_until timestamptz, p_limit integer)
returns table (id bigint, source text, body bytea, sent_at timestamptz, received_at timestamptz, tries integer)
language sql as $$
  with due as (
    select m.id from aws_messages m where m.state = 'stored' and m.due_at <= p_now
    order by m.due_at, m.id limit p_limit for update skip locked
  )
  update aws_messages m set due_at = p_until, tries = m.tries + 1
  from due where m.id = due.id
  returning m.id, m.source, m.body, m.sent_at, m.received_at, m.tries
$$;
select door('aws_claim_messages(timestamptz, timestamptz, integer)');

-- News of a licence, known or not: gaps of its identity are filled, nothing known is replaced, and it is looked at soon.
create function learn_aws_licence(p jsonb, p_now timestamptz) returns void
language sql as $$
  insert into aws_licences as l (key, generation, arn, product_code, product_id, account, customer, agreement_id,
                                 region, created_at, changed_at, due_at)
  values (p->>'key', p->>'generation', p->>'arn', p->>'product_code', p->>'product_id', p->>'account', p->>'customer',
          p->>'agreement_id', p->>'region', p_now, p_now, p_now)
  on conflict (key) do update set
    product_code = coalesce(l.product_code, excluded.product_code),
    product_id = coalesce(l.product_id, excluded.product_id),
    account = coalesce(l.account, excluded.account),
    customer = coalesce(l.customer, excluded.customer),
    agreement_id = coalesce(l.agreement_id, excluded.agreement_id),
    news = l.news + 1, due_at = p_now, changed_at = p_now, entitlements_due_at = p_now
$$;
revoke all on function learn_aws_licence(jsonb, timestamptz) from public;

-- An agreement's licences have become known: its messages wait no longer, and each licence is looked at.
create function join_aws_agreement(p_agreement text, p_now timestamptz) returns boolean
language plpgsql as $$
begin
  update aws_licences set news = news + 1, due_at = p_now, changed_at = p_now, entitlements_due_at = p_now
  where agreement_id = p_agreement;
  if not found then
    return false;
  end if;
  update aws_messages set state = 'applied', fault = null
  where agreement_id = p_agreement and (state = 'waiting' or (state = 'ignored' and fact is not null));
  return true;
end $$;
revoke all on function join_aws_agreement(text, timestamptz) from public;

-- An agreement is about a product that is not sold here: its messages are set aside, and come back with its licence.
create function aws_set_aside(p_agreement text, p_why text) returns void
language sql as $$
  update aws_messages set state = 'ignored', fault = p_why where agreement_id = p_agreement and state = 'waiting'
$$;
select door('aws_set_aside(text, text)');

-- A message has been read: p = {state, fault, fact, about, at, agreement_id, licence}. The second time, and for one that was
-- read before and is read again, the same.
create function aws_apply_message(p_id bigint, p jsonb, p_now timestamptz) returns void
language plpgsql as $$
declare
  v_state text := p->>'state';
  v_fault text := p->>'fault';
begin
  if p ? 'licence' then
    perform learn_aws_licence(p->'licence', p_now);
  end if;
  if p ? 'agreement_id' and not join_aws_agreement(p->>'agreement_id', p_now) and v_state = 'applied' then
    -- A message about the licence has said that the product is not sold here.
    select 'ignored', m.fault into v_state, v_fault from aws_messages m
    where m.agreement_id = p->>'agreement_id' and m.state = 'ignored' and m.fact is null limit 1;
    v_state := coalesce(v_state, 'waiting');
  elsif v_state = 'ignored' and p ? 'agreement_id' then
    perform aws_set_aside(p->>'agreement_id', v_fault);
  end if;
  update aws_messages set
    state = v_state, fault = v_fault, fact = p->>'fact', about = p->'about', at = (p->>'at')::timestamptz,
    licence_key = p->'licence'->>'key', agreement_id = p->>'agreement_id'
  where id = p_id;
end $$;
select door('aws_apply_message(bigint, jsonb, timestamptz)');

-- Agreements whose start has come and whose licence nobody has told of: oldest first, for a week.
create function aws_awaited_agreements(p_now timestamptz, p_limit integer) returns table (agreement_id text)
language sql stable as $$
  select m.agreement_id from aws_messages m
  where m.state = 'waiting' and m.fact = 'agreed'
    and (m.about->>'start')::timestamptz between p_now - interval '7 days' and p_now
    and not exists (select from aws_messages e where e.agreement_id = m.agreement_id and e.fact in ('ending', 'superseded'))
  group by m.agreement_id order by min(m.id) limit p_limit
$$;
select door('aws_awaited_agreements(timestamptz, integer)');

-- Has a message read again. Answers false when there is none.
create function aws_replay_message(p_id bigint, p_now timestamptz) returns boolean
language sql as $$
  with again as (
    update aws_messages set state = 'stored', fault = null, tries = 0, due_at = p_now where id = p_id returning id
  )
  select exists (select from again)
$$;
select door('aws_replay_message(bigint, timestamptz)');

-- The licences that may share a tenant with one.
create function aws_relatives(l aws_licences) returns setof aws_licences
language sql stable as $$
  select r.* from aws_licences r
  where r.key <> l.key
    and (r.tenant_id = l.tenant_id or r.initial_agreement_id in (l.initial_agreement_id, l.agreement_id)
         or r.agreement_id = l.initial_agreement_id
         or (r.product_code = l.product_code and (r.customer = l.customer or r.account = l.account)))
$$;
revoke all on function aws_relatives(aws_licences) from public;

-- A licence with all that decides about it: what was said of it in the order in which it happened, its tenant, and its
-- relatives.
create function aws_licence_view(l aws_licences) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'licence', to_jsonb(l),
    'tenant', (select jsonb_build_object('id', t.id, 'state', t.state) from tenants t where t.id = l.tenant_id),
    'history', (
      select coalesce(jsonb_agg(jsonb_build_object('fact', m.fact, 'at', m.at, 'received_at', m.received_at,
                                                   'about', m.about) order by m.at, m.id), '[]')
      from aws_messages m
      where m.fact is not null and m.state in ('applied', 'waiting')
        and (m.licence_key = l.key or (m.licence_key is null and m.agreement_id = l.agreement_id))),
    'relatives', (
      select coalesce(jsonb_agg(jsonb_build_object(
               'key', r.key, 'generation', r.generation, 'state', r.state, 'started_at', r.started_at,
               'ended_at', r.ended_at, 'agreement_id', r.agreement_id, 'initial_agreement_id', r.initial_agreement_id,
               'agreement', r.agreement, 'customer', r.customer, 'account', r.account,
               'registered_at', r.registered_at, 'bills_from', r.bills_from,
               'tenant', r.tenant_id, 'tenant_state', t.state) order by r.created_at, r.key), '[]')
      from aws_relatives(l) r left join tenants t on t.id = r.tenant_id))
$$;
revoke all on function aws_licence_view(aws_licences) from public;

-- Licences that are due, or the one named, leased to the caller.
create function aws_claim_licences(p_key text, p_now timestamptz, p_until timestamptz, p_limit integer)
returns setof jsonb language plpgsql as $$
declare
  v_licence aws_licences;
begin
  for v_licence in
    with due as (
      select l.key from aws_licences l
      where (l.due_at <= p_now or l.key = p_key) and (p_key is null or l.key = p_key)
        and (l.lease_until is null or l.lease_until <= p_now)
      order by l.due_at limit p_limit for update skip locked
    )
    update aws_licences l set lease = gen_random_uuid(), lease_until = p_until, tries = l.tries + 1
    from due where l.key = due.key returning l.*
  loop
    return next aws_licence_view(v_licence);
  end loop;
end $$;
select door('aws_claim_licences(text, timestamptz, timestamptz, integer)');

-- As claimed, without a lease: for pages and commands that only look.
create function aws_find_licence(p_key text) returns jsonb
language sql stable as $$ select aws_licence_view(l) from aws_licences l where l.key = p_key $$;
select door('aws_find_licence(text)');

-- Writes what the holder of the lease found out: p holds columns by name. Answers false when the lease has gone to
-- somebody else. A tenant that is bound is found by the licence's key from then on.
create function aws_save_licence(p_key text, p_lease uuid, p jsonb, p_now timestamptz) returns boolean
language plpgsql as $$
declare
  v_licence aws_licences;
begin
  select * into v_licence from aws_licences where key = p_key and lease = p_lease for update;
  if not found then
    return false;
  end if;
  v_licence := jsonb_populate_record(v_licence, p);
  update aws_licences set
    product_code = v_licence.product_code, agreement_id = v_licence.agreement_id,
    initial_agreement_id = v_licence.initial_agreement_id, agreement = v_licence.agreement,
    state = v_licence.state, started_at = v_licence.started_at, ended_at = v_licence.ended_at,
    end_reason = v_licence.end_reason, trial = v_licence.trial,
    entitlements = v_licence.entitlements, included = v_licence.included, entitlements_at = v_licence.entitlements_at,
    entitlements_stale = v_licence.entitlements_stale, entitlements_due_at = v_licence.entitlements_due_at,
    tenant_id = v_licence.tenant_id, term = v_licence.term, bills_from = v_licence.bills_from,
    billing_ended_at = v_licence.billing_ended_at, parted_at = v_licence.parted_at, heard_at = v_licence.heard_at,
    review = v_licence.review, changed_at = p_now
  where key = p_key;
  if p ? 'agreement_id' then
    update aws_messages set state = 'applied' where agreement_id = p->>'agreement_id' and state = 'waiting';
  end if;
  if p->>'tenant_id' is not null then
    insert into resource_ids (tenant_id, marketplace, resource_id) values (p->>'tenant_id', 'aws', p_key)
    on conflict (marketplace, resource_id) do update set tenant_id = excluded.tenant_id;
  end if;
  return true;
end $$;
select door('aws_save_licence(text, uuid, jsonb, timestamptz)');

-- Gives the lease back. Due again at p_due_at, or at once where there was news meanwhile; what failed is counted.
create function aws_leave_licence(p_key text, p_lease uuid, p_news bigint, p_due_at timestamptz, p_settled boolean,
                                  p_now timestamptz)
returns void language sql as $$
  update aws_licences set
    lease = null, lease_until = null, due_at = case when news = p_news then p_due_at else p_now end,
    tries = case when p_settled then 0 else tries end, reserves_tenant = reserves_tenant and not p_settled
  where key = p_key and lease = p_lease
$$;
select door('aws_leave_licence(text, uuid, bigint, timestamptz, boolean, timestamptz)');

-- A licence is about to get a tenant of its own: answers how it stands now, or null when a relative is about to get one, or
-- the lease has gone to somebody else. Two that belong together never both get one: this is asked by one after the other,
-- and whatever the one before has come to is seen. What dies after it goes on by the same licence, and nothing else does.
create function aws_reserve_tenant(p_key text, p_lease uuid) returns jsonb
language plpgsql as $$
declare
  v_licence aws_licences;
begin
  perform pg_advisory_xact_lock(7355, 5);
  update aws_licences l set reserves_tenant = true
  where l.key = p_key and l.lease = p_lease
    and not exists (select from aws_relatives(l) r where r.reserves_tenant and r.tenant_id is null)
  returning l.* into v_licence;
  return case when found then aws_licence_view(v_licence) end;
end $$;
select door('aws_reserve_tenant(text, uuid)');

-- Looks again at once at the licences that may share a tenant with this one.
create function aws_wake_relatives(p_key text, p_now timestamptz) returns void
language sql as $$
  update aws_licences r set news = r.news + 1, due_at = p_now
  where r.key in (select w.key from aws_licences l cross join lateral aws_relatives(l) w where l.key = p_key)
$$;
select door('aws_wake_relatives(text, timestamptz)');

-- A buyer has come with a token that AWS resolved: p = {digest, until, trial, licence}. `fresh` is false for a token that
-- came before: then nothing is changed. `other_account` is true when the licence is another AWS account's.
create function aws_register(p jsonb, p_now timestamptz) returns jsonb
language plpgsql as $$
declare
  v_key text := p->'licence'->>'key';
  v_fresh boolean := false;
  v_known boolean;
begin
  if exists (select from aws_licences l where l.key = v_key and l.account <> p->'licence'->>'account') then
    return jsonb_build_object('fresh', false, 'other_account', true);
  end if;
  insert into aws_tokens as t (digest, licence_key, trial, created_at, until)
  values (p->>'digest', v_key, (p->>'trial')::boolean, p_now, (p->>'until')::timestamptz)
  on conflict (digest) do update set licence_key = v_key, sealed = null, due_at = null
  where t.licence_key is null and t.fault is null
  returning true into v_fresh;
  if not coalesce(v_fresh, false) then
    return jsonb_build_object('fresh', false, 'other_account', false);
  end if;
  select registered_at is not null or tenant_id is not null into v_known from aws_licences where key = v_key;
  perform learn_aws_licence(p->'licence', p_now);
  update aws_licences set registered_at = coalesce(registered_at, p_now), trial = trial or (p->>'trial')::boolean
  where key = v_key;
  return jsonb_build_object('fresh', true, 'other_account', false, 'known', coalesce(v_known, false));
end $$;
select door('aws_register(jsonb, timestamptz)');

-- Keeps a token that AWS could not resolve now. Answers false when it has come before.
create function aws_park_token(p_digest text, p_sealed text, p_trial boolean, p_until timestamptz, p_now timestamptz)
returns boolean language plpgsql as $$
begin
  insert into aws_tokens (digest, sealed, trial, created_at, until, due_at)
  values (p_digest, p_sealed, p_trial, p_now, p_until, p_now) on conflict (digest) do nothing;
  return found;
end $$;
select door('aws_park_token(text, text, boolean, timestamptz, timestamptz)');

create function aws_claim_tokens(p_now timestamptz, p_until timestamptz, p_limit integer)
returns table (digest text, sealed text, trial boolean, until timestamptz, tries integer)
language sql as $$
  with due as (
    select t.digest from aws_tokens t where t.due_at <= p_now and t.sealed is not null and t.until > p_now
    order by t.due_at limit p_limit for update skip locked
  )
  update aws_tokens t set due_at = p_until, tries = t.tries + 1 from due where t.digest = due.digest
  returning t.digest, t.sealed, t.trial, t.until, t.tries
$$;
select door('aws_claim_tokens(timestamptz, timestamptz, integer)');

-- A parked token is not resolved yet (p_due_at), or never will be (p_fault).
create function aws_settle_token(p_digest text, p_fault text, p_due_at timestamptz) returns void
language sql as $$
  update aws_tokens set fault = p_fault, due_at = p_due_at,
    sealed = case when p_fault is null then sealed end
  where digest = p_digest
$$;
select door('aws_settle_token(text, text, timestamptz)');

-- What became of a token: null when it never came, or is forgotten.
create function aws_find_token(p_digest text) returns jsonb
language sql stable as $$
  select jsonb_build_object('key', t.licence_key, 'fault', t.fault) from aws_tokens t where t.digest = p_digest
$$;
select door('aws_find_token(text)');

-- Contact data, sealed. Not kept for a tenant that is gone.
create function aws_keep_contact(p_key text, p_sealed text, p_now timestamptz) returns boolean
language sql as $$
  with kept as (
    update aws_licences l set contact_sealed = p_sealed, changed_at = p_now
    where l.key = p_key
      and not exists (select from tenants t where t.id = l.tenant_id and t.state in ('failed', 'deprovisioning', 'gone'))
    returning l.key
  )
  select exists (select from kept)
$$;
select door('aws_keep_contact(text, text, timestamptz)');

-- Whether a buyer is known by the older generation alone.
create function aws_is_older_customer(p_product_code text, p_account text) returns boolean
language sql stable as $$
  select coalesce(bool_and(l.generation = 'legacy'), false) from aws_licences l
  where l.product_code = p_product_code and l.account = p_account
    and (l.generation = 'legacy' or l.tenant_id is not null or l.registered_at is not null)
$$;
select door('aws_is_older_customer(text, text)');

-- Takes a round that is due, so that no other process takes it before p_next; null when it is not due.
create function aws_take_round(p_name text, p_now timestamptz, p_next timestamptz) returns jsonb
language sql as $$
  insert into aws_rounds as r (name, due_at) values (p_name, p_next)
  on conflict (name) do update set due_at = excluded.due_at where r.due_at <= p_now
  returning jsonb_build_object('through', r.through, 'place', r.place)
$$;
select door('aws_take_round(text, timestamptz, timestamptz)');

create function aws_end_round(p_name text, p_through timestamptz, p_place text, p_due_at timestamptz) returns void
language sql as $$
  update aws_rounds set through = p_through, place = p_place, due_at = p_due_at where name = p_name
$$;
select door('aws_end_round(text, timestamptz, text, timestamptz)');

-- Drops what nobody asks for any more: tokens long past their life, and messages past every redelivery whose licence is
-- ended or which were about nothing.
create function aws_forget(p_tokens_before timestamptz, p_messages_before timestamptz) returns void
language sql as $$
  delete from aws_tokens where until < p_tokens_before;
  delete from aws_messages m where m.received_at < p_messages_before and m.state in ('applied', 'ignored')
    and not exists (select from aws_licences l where l.key = m.licence_key and l.state <> 'ended')
    and not exists (select from aws_licences l where l.agreement_id = m.agreement_id and l.state <> 'ended');
$$;
select door('aws_forget(timestamptz, timestamptz)');

-- Purchases that are no tenant yet, oldest first: paid for and not registered, or registered and not licensed.
create function aws_unclaimed(p_limit integer) returns setof jsonb
language sql stable as $$
  select jsonb_build_object(
    'key', l.key, 'product_code', l.product_code, 'account', l.account, 'customer', l.customer,
    'agreement_id', l.agreement_id, 'state', l.state, 'since', l.created_at, 'registered_at', l.registered_at,
    'review', l.review)
  from aws_licences l where l.tenant_id is null and l.state not in ('superseded', 'ended', 'failed')
  order by l.created_at, l.key limit p_limit
$$;
select door('aws_unclaimed(integer)');

-- What a person should look at: licences that fit nowhere, messages that cannot be read or belong to nothing known.
create function aws_review(p_waiting_before timestamptz, p_limit integer) returns setof jsonb
language sql stable as $$
  select jsonb_build_object('what', 'licence', 'id', l.key, 'since', l.changed_at, 'why', l.review)
  from aws_licences l where l.review is not null
  union all
  select jsonb_build_object('what', 'message', 'id', m.id::text, 'since', m.received_at,
                            'why', coalesce(m.fault, 'is about an agreement whose licence is not known'))
  from aws_messages m
  where m.state = 'flagged' or (m.state = 'waiting' and p_waiting_before
                                > greatest(m.received_at, case m.fact when 'agreed' then (m.about->>'start')::timestamptz end))
  limit p_limit
$$;
select door('aws_review(timestamptz, integer)');
