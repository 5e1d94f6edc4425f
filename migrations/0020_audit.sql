-- The audit: who revealed, issued, rotated, revoked or crossed what, and when. One hash chain per tenant, and one called
-- 'operator'; a chain for all would be a lock on every write.
--
-- Nobody changes an entry: the serving role may not, and a trigger refuses the owner. Whoever goes round both (a
-- superuser) is found by `stallholder audit verify`: each entry's hash covers the entry before it, and every minute the
-- heads of the chains that moved are anchored under a key that is not in this database.
create table audit_chains (
  chain    text primary key check (chain = 'operator' or chain ~ '^[a-z][a-z2-7]{25}$'),
  sequence bigint not null,
  hash     bytea not null,
  -- The sequence of the newest head that an anchor holds.
  anchored bigint not null default 0
);
create index audit_chains_moved on audit_chains (chain) where sequence > anchored;
select wall('audit_chains', 'chain');
select app_may('select on audit_chains');

create table audit_entries (
  chain       text not null,
  sequence    bigint not null,
  -- When it happened over there, and when we wrote it.
  at          timestamptz not null,
  recorded_at timestamptz not null,
  by          text not null,
  action      text not null,
  data        jsonb not null,
  previous    bytea not null,
  hash        bytea not null,
  primary key (chain, sequence)
);
select wall('audit_entries', 'chain');
select app_may('select on audit_entries');

-- Where a chain stood when an anchor was made.
create table audit_heads (
  chain    text not null,
  sequence bigint not null,
  anchor   bigint not null,
  hash     bytea not null,
  primary key (chain, sequence)
);
create index audit_heads_anchor on audit_heads (anchor, chain);
select wall('audit_heads', 'chain');
select app_may('select on audit_heads');

-- No tenant in it. `digest` covers the heads, `hash` the digest and the anchor before, `seal` is an HMAC of the hash under
-- a key of the ring.
create table audit_anchors (
  sequence bigint primary key,
  at       timestamptz not null,
  heads    integer not null,
  digest   bytea not null,
  previous bytea not null,
  hash     bytea not null,
  key_id   text not null,
  seal     bytea not null
);
select app_may('select on audit_anchors');

create function audit_is_kept() returns trigger language plpgsql as $$
begin
  raise exception 'The audit is kept as it was written.' using errcode = 'insufficient_privilege';
end $$;
revoke all on function audit_is_kept() from public;
create trigger kept before update or delete or truncate on audit_entries for each statement execute function audit_is_kept();
create trigger kept before update or delete or truncate on audit_heads for each statement execute function audit_is_kept();
create trigger kept before update or delete or truncate on audit_anchors for each statement execute function audit_is_kept();
create trigger kept before delete or truncate on audit_chains for each statement execute function audit_is_kept();

-- One field of what is hashed: its length in bytes, a colon, its bytes in UTF-8, a comma. So no two lists of fields have
-- the same bytes.
create function audit_field(p_text text) returns text language sql stable as $$
  select octet_length(convert_to(p_text, 'UTF8')) || ':' || p_text || ','
$$;

-- A moment as it is hashed: UTC, six places.
create function audit_time(p_time timestamptz) returns text language sql stable as $$
  select to_char(p_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- What the hash of an entry covers: these fields in this order. `data` is the text PostgreSQL gives of a jsonb.
create function audit_hash(e audit_entries) returns bytea language sql stable as $$
  select sha256(convert_to(
    audit_field('stallholder audit entry 1') || audit_field(e.chain) || audit_field(e.sequence::text)
    || audit_field(audit_time(e.at)) || audit_field(audit_time(e.recorded_at)) || audit_field(e."by")
    || audit_field(e.action) || audit_field(e.data::text) || audit_field(encode(e.previous, 'hex')), 'UTF8'))
$$;

-- Appends one entry; the lock on the chain's head gives the order. Only for functions of the owner.
create function write_audit(p_chain text, p_action text, p_by text, p_at timestamptz, p_now timestamptz, p_data jsonb)
returns void language plpgsql as $$
declare
  v_head audit_chains;
  v_entry audit_entries;
begin
  select * into v_head from audit_chains c where c.chain = p_chain for update;
  if not found then
    insert into audit_chains (chain, sequence, hash) values (p_chain, 0, decode(repeat('00', 32), 'hex'))
    on conflict do nothing;
    select * into strict v_head from audit_chains c where c.chain = p_chain for update;
  end if;
  v_entry := row(p_chain, v_head.sequence + 1, p_at, p_now, p_by, p_action, coalesce(p_data, '{}'), v_head.hash, null);
  v_entry.hash := audit_hash(v_entry);
  insert into audit_entries select v_entry.*;
  update audit_chains c set sequence = v_entry.sequence, hash = v_entry.hash where c.chain = p_chain;
end $$;
revoke all on function audit_field(text), audit_time(timestamptz), audit_hash(audit_entries),
  write_audit(text, text, text, timestamptz, timestamptz, jsonb) from public;

-- For code: the chain of this transaction's tenant, or the operator's.
create function append_audit(p_chain text, p_action text, p_by text, p_at timestamptz, p_now timestamptz, p_data jsonb)
returns void language plpgsql as $$
begin
  if p_chain is distinct from 'operator' and p_chain is distinct from this_tenant() then
    raise exception 'The audit of another tenant.' using errcode = 'insufficient_privilege';
  end if;
  perform write_audit(p_chain, p_action, p_by, p_at, p_now, p_data);
end $$;
select door('append_audit(text, text, text, timestamptz, timestamptz, jsonb)');

-- Every credential that is issued, rotated (retires) or revoked is told by this trigger, whatever code or door did it.
-- It runs when the transaction commits: by then the lifecycle event of the change is there, which says who made it.
create function tell_credential() returns trigger language plpgsql as $$
declare
  v_told record;
begin
  -- Of this transaction, or it tells of something else.
  select e."by", e.at, e.recorded_at into v_told
  from (select x.*, x.xmin as made_by from lifecycle_events x
        where x.tenant_id = new.tenant_id order by x.sequence desc limit 1) e
  where e.made_by = pg_current_xact_id()::xid;
  perform write_audit(
    new.tenant_id,
    case when tg_op = 'INSERT' then 'credential.issued'
         when new.state = 'retiring' then 'credential.rotated'
         else 'credential.revoked' end,
    coalesce(v_told."by", 'unknown'),
    coalesce(v_told.at, new.revoked_at, new.created_at),
    coalesce(v_told.recorded_at, new.revoked_at, new.created_at),
    jsonb_strip_nulls(jsonb_build_object(
      'credential', new.id, 'kind', new.kind, 'var', new.var, 'name', new.name,
      'access', new.access, 'key_id', new.key_id, 'last_four', new.hint,
      'from', case when tg_op = 'UPDATE' then old.state end, 'to', new.state)));
  return null;
end $$;
select door('tell_credential()');
create constraint trigger told_issued after insert on credentials
  deferrable initially deferred for each row execute function tell_credential();
create constraint trigger told_changed after update on credentials
  deferrable initially deferred for each row when (old.state is distinct from new.state) execute function tell_credential();

-- The heads that moved since they were anchored, and the newest anchor.
create function audit_moved(p_limit integer) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'heads', (select coalesce(jsonb_agg(jsonb_build_object(
                'chain', c.chain, 'sequence', c.sequence, 'hash', encode(c.hash, 'hex')) order by c.chain), '[]')
              from (select * from audit_chains where sequence > anchored order by chain limit p_limit) c),
    'last', (select jsonb_build_object('sequence', a.sequence, 'at', audit_time(a.at), 'hash', encode(a.hash, 'hex'), 'key_id', a.key_id)
             from audit_anchors a order by a.sequence desc limit 1))
$$;
select door('audit_moved(integer)');

-- Puts an anchor behind the last one: false where another worker was faster.
create function put_audit_anchor(p jsonb) returns boolean language plpgsql as $$
begin
  insert into audit_anchors (sequence, at, heads, digest, previous, hash, key_id, seal)
  values ((p->>'sequence')::bigint, (p->>'at')::timestamptz, jsonb_array_length(p->'heads'),
          decode(p->>'digest', 'hex'), decode(p->>'previous', 'hex'), decode(p->>'hash', 'hex'), p->>'key_id',
          decode(p->>'seal', 'hex'))
  on conflict do nothing;
  if not found then
    return false;
  end if;
  with head as (
    insert into audit_heads (chain, sequence, anchor, hash)
    select h.chain, h.sequence, (p->>'sequence')::bigint, decode(h.hash, 'hex')
    from jsonb_to_recordset(p->'heads') as h(chain text, sequence bigint, hash text)
    returning chain, sequence
  )
  update audit_chains c set anchored = greatest(c.anchored, h.sequence)
  from (select * from head order by chain) h where c.chain = h.chain;
  return true;
end $$;
select door('put_audit_anchor(jsonb)');

-- What the checker reads, in pages: the names of all chains, wherever one is left; entries beside the heads that anchors
-- hold of them; the heads of one anchor.
create function audit_name_after(p_chain text) returns text language sql stable as $$
  select least((select min(c.chain) from audit_chains c where c.chain > p_chain),
               (select min(e.chain) from audit_entries e where e.chain > p_chain),
               (select min(h.chain) from audit_heads h where h.chain > p_chain))
$$;
revoke all on function audit_name_after(text) from public;

create function audit_chain_names(p_after text, p_limit integer) returns table (chain text) language sql stable as $$
  with recursive named as (
    select audit_name_after(p_after) as chain
    union all
    select audit_name_after(n.chain) from named n where n.chain is not null
  )
  select * from named where named.chain is not null limit p_limit
$$;
select door('audit_chain_names(text, integer)');

create function audit_head(p_chain text)
returns table (sequence bigint, hash text, anchored bigint) language sql stable as $$
  select c.sequence, encode(c.hash, 'hex'), c.anchored from audit_chains c where c.chain = p_chain
$$;
select door('audit_head(text)');

create function audit_size() returns table (chains bigint, anchors bigint) language sql stable as $$
  select (select count(*) from audit_chains), (select count(*) from audit_anchors)
$$;
select door('audit_size()');

create function audit_page(p_chain text, p_after bigint, p_limit integer)
returns table (sequence bigint, at text, recorded_at text, by text, action text, data text, previous text, hash text,
               anchor bigint, anchored_hash text)
language sql stable as $$
  select sequence, audit_time(e.at), audit_time(e.recorded_at), e.by, e.action, e.data::text,
         encode(e.previous, 'hex'), encode(e.hash, 'hex'), h.anchor, encode(h.hash, 'hex')
  from (select * from audit_entries x where x.chain = p_chain and x.sequence > p_after
        order by x.sequence limit p_limit) e
  full join (select * from audit_heads x where x.chain = p_chain and x.sequence > p_after
             order by x.sequence limit p_limit) h using (sequence)
  order by sequence limit p_limit
$$;
select door('audit_page(text, bigint, integer)');

create function audit_anchor_page(p_after bigint, p_limit integer)
returns table (sequence bigint, at text, heads integer, digest text, previous text, hash text, key_id text, seal text)
language sql stable as $$
  select a.sequence, audit_time(a.at), a.heads, encode(a.digest, 'hex'), encode(a.previous, 'hex'), encode(a.hash, 'hex'),
         a.key_id, encode(a.seal, 'hex')
  from audit_anchors a where a.sequence > p_after order by a.sequence limit p_limit
$$;
select door('audit_anchor_page(bigint, integer)');

-- Where a chain is named, none of an anchor that does not hold it.
create function audit_heads_of(p_anchor bigint, p_holding text)
returns table (chain text, sequence bigint, hash text) language sql stable as $$
  select h.chain, h.sequence, encode(h.hash, 'hex') from audit_heads h
  where h.anchor = p_anchor and (p_holding is null or exists (
    select from audit_heads o where o.anchor = p_anchor and o.chain = p_holding))
$$;
select door('audit_heads_of(bigint, text)');
