-- Rotating everybody: a campaign that the workers carry through, and what became of each tenant in it.
create table rotations (
  id              text primary key check (id ~ '^rot-[a-z2-7]{8}$'),
  -- One kind of credential, or all that hold a secret.
  kind            text,
  overlap_seconds integer not null check (overlap_seconds between 0 and 604800),
  -- In per cent of the tenants; they go first.
  canary          numeric not null check (canary between 0 and 100),
  -- So many tenants are on their way at most.
  batch           integer not null check (batch between 1 and 1000),
  -- The rest waits until the canaries are well.
  waits           boolean not null,
  state           text not null check (state in ('running', 'paused', 'cancelled', 'done')),
  stage           text not null check (stage in ('enrolling', 'canary', 'rest')),
  -- Why it was paused, where nobody asked for that.
  fault           text,
  -- Failures that an operator has seen, and went on.
  accepted        integer not null default 0,
  by              text not null,
  created_at      timestamptz not null,
  -- Set by the first worker: credentials that are older are to be replaced.
  started_at      timestamptz,
  enrolled_to     text not null default '',
  ended_at        timestamptz
);
-- One at a time.
create unique index rotations_one on rotations ((true)) where state in ('running', 'paused');

-- waiting → rotated (its new credentials are in force) → taken (the product and the marketplace have them) → ended (the
-- old ones are). Or: failed; gone (the tenant left); left (the campaign was cancelled before its turn).
create table rotation_tenants (
  tenant_id   text not null references tenants (id),
  rotation    text not null,
  canary      boolean not null default false,
  state       text not null check (state in ('waiting', 'rotated', 'taken', 'ended', 'failed', 'gone', 'left')),
  due_at      timestamptz not null,
  attempts    integer not null default 0,
  lease       uuid,
  lease_until timestamptz,
  operation   uuid,
  -- What replaced what: [{kind, var, old: {credential, key_id, last_four}, new: {…}}].
  keys        jsonb not null default '[]',
  rotated_at  timestamptz,
  -- When the new keys were judged as a caller's would be, and found valid.
  judged_at   timestamptz,
  -- When the marketplace took them; null where it is told nothing.
  pushed_at   timestamptz,
  ended_at    timestamptz,
  note        text,
  primary key (tenant_id, rotation)
);
create index rotation_tenants_due on rotation_tenants (rotation, state, canary desc, due_at)
  where state in ('waiting', 'rotated', 'taken');
create index rotation_tenants_failed on rotation_tenants (rotation) where state = 'failed';
create index rotation_tenants_page on rotation_tenants (rotation, tenant_id);
select wall('rotation_tenants', 'tenant_id');
select app_may('select, update on rotation_tenants');

create function tell_rotation(p rotations, p_action text, p_by text, p_now timestamptz)
returns void language sql as $$
  select write_audit('operator', p_action, p_by, p_now, p_now, jsonb_strip_nulls(jsonb_build_object(
    'rotation', p.id, 'kind', p.kind, 'overlap_seconds', p.overlap_seconds, 'canary', p.canary, 'batch', p.batch,
    'fault', p.fault)))
$$;
revoke all on function tell_rotation(rotations, text, text, timestamptz) from public;

-- False while another one is under way.
create function start_rotation(p jsonb, p_now timestamptz) returns boolean language plpgsql as $$
declare
  v_row rotations;
begin
  insert into rotations (id, kind, overlap_seconds, canary, batch, waits, state, stage, by, created_at)
  values (p->>'id', p->>'kind', (p->>'overlap_seconds')::integer, (p->>'canary')::numeric, (p->>'batch')::integer,
          (p->>'waits')::boolean, 'running', 'enrolling', p->>'by', p_now)
  on conflict do nothing returning * into v_row;
  if not found then
    return false;
  end if;
  perform tell_rotation(v_row, 'rotation.started', v_row."by", p_now);
  return true;
end $$;
select door('start_rotation(jsonb, timestamptz)');

-- pause, resume or cancel. Resuming one whose canaries failed lets the rest go on. False where that makes no sense.
create function steer_rotation(p_id text, p_wish text, p_by text, p_now timestamptz) returns boolean language plpgsql as $$
declare
  v_row rotations;
begin
  select * into v_row from rotations where id = p_id for update;
  if not found or not (case p_wish when 'pause' then v_row.state = 'running' when 'resume' then v_row.state = 'paused'
                                   else v_row.state in ('running', 'paused') end) then
    return false;
  end if;
  update rotations set
    state = case p_wish when 'pause' then 'paused' when 'resume' then 'running' else 'cancelled' end,
    stage = case when p_wish = 'resume' and fault is not null and stage = 'canary' then 'rest' else stage end,
    accepted = case when p_wish = 'resume'
                    then (select count(*) from rotation_tenants t where t.rotation = p_id and t.state = 'failed')
                    else accepted end,
    fault = null,
    ended_at = case when p_wish = 'cancel' then p_now end
  where id = p_id returning * into v_row;
  if p_wish = 'cancel' then
    update rotation_tenants set state = 'left', lease = null, lease_until = null
    where rotation = p_id and state = 'waiting';
  end if;
  perform tell_rotation(v_row, case p_wish when 'pause' then 'rotation.paused' when 'resume' then 'rotation.resumed'
                                           else 'rotation.cancelled' end, p_by, p_now);
  return true;
end $$;
select door('steer_rotation(text, text, text, timestamptz)');

-- The next tenants, in the order of their ids, that hold a credential older than the campaign. When all are in, the
-- canaries are drawn: at least one.
create function enrol_tenants(p rotations, p_now timestamptz) returns void language plpgsql as $$
declare
  v_last text;
begin
  with page as (
    select t.id, t.state, t.created_at from tenants t where t.id > p.enrolled_to order by t.id limit 5000
  ), chosen as (
    insert into rotation_tenants (tenant_id, rotation, state, due_at)
    select g.id, p.id, 'waiting', p_now from page g
    where g.state in ('provisioning', 'active', 'suspended') and exists (
      select from credentials c where c.tenant_id = g.id and c.state = 'active' and c.var is not null
        and (p.kind is null or c.kind = p.kind) and c.created_at <= p.started_at)
  )
  select max(id) into v_last from page;
  if v_last is not null then
    update rotations set enrolled_to = v_last where id = p.id;
    return;
  end if;
  update rotation_tenants r set canary = true from (
    select t.tenant_id from rotation_tenants t where t.rotation = p.id
    order by md5(t.tenant_id || p.id)
    limit (select ceil(count(*) * p.canary / 100) from rotation_tenants a where a.rotation = p.id)) drawn
  where r.tenant_id = drawn.tenant_id and r.rotation = p.id;
  update rotations set stage = case when p.waits and p.canary > 0 then 'canary' else 'rest' end where id = p.id;
end $$;
revoke all on function enrol_tenants(rotations, timestamptz) from public;

-- Moves the campaign on: enrols, lets the rest follow canaries that are well, stops one that does harm, ends one that is
-- through. Whoever holds its row does it; the others look again later. True when there was work.
create function advance_rotation(p_now timestamptz) returns boolean language plpgsql as $$
declare
  v_row rotations;
  v_failed bigint;
  v_through bigint;
begin
  select * into v_row from rotations where state = 'running' for update skip locked;
  if not found then
    return false;
  end if;
  if v_row.started_at is null then
    update rotations set started_at = p_now where id = v_row.id returning * into v_row;
  end if;
  if v_row.stage = 'enrolling' then
    perform enrol_tenants(v_row, p_now);
    return true;
  end if;

  select count(*) into v_failed from rotation_tenants where rotation = v_row.id and state = 'failed';
  if v_row.stage = 'canary' and not exists (select from rotation_tenants t where t.rotation = v_row.id and t.canary
                                            and t.state in ('waiting', 'rotated')) then
    if v_failed > v_row.accepted then
      update rotations set state = 'paused', fault = v_failed || ' of the canaries failed' where id = v_row.id
      returning * into v_row;
      perform tell_rotation(v_row, 'rotation.paused', 'job:rotate', p_now);
      return false;
    end if;
    update rotations set stage = 'rest' where id = v_row.id;
    return true;
  end if;

  if v_failed - v_row.accepted >= 5 then
    select count(*) into v_through from rotation_tenants
    where rotation = v_row.id and state in ('taken', 'ended', 'failed');
    if (v_failed - v_row.accepted) * 20 >= v_through then
      update rotations set state = 'paused', fault = v_failed || ' failed, of ' || v_through where id = v_row.id
      returning * into v_row;
      perform tell_rotation(v_row, 'rotation.paused', 'job:rotate', p_now);
      return false;
    end if;
  end if;

  if not exists (select from rotation_tenants t where t.rotation = v_row.id
                 and t.state in ('waiting', 'rotated', 'taken')) then
    update rotations set state = 'done', ended_at = p_now where id = v_row.id returning * into v_row;
    perform tell_rotation(v_row, 'rotation.ended', 'job:rotate', p_now);
  end if;
  return false;
end $$;
select door('advance_rotation(timestamptz)');

-- Tenants whose turn it is: the campaign's row is locked, so that all workers together keep to its batch.
create function claim_rotations(p_now timestamptz, p_until timestamptz, p_limit integer)
returns setof jsonb language plpgsql as $$
declare
  v_row rotations;
  v_free integer;
begin
  select * into v_row from rotations where state = 'running' and stage <> 'enrolling' for update skip locked;
  if not found then
    return;
  end if;
  -- One that a marketplace does not take for long (its grant is lost) keeps nobody else from a turn.
  select v_row.batch - count(*) into v_free from rotation_tenants t
  where t.rotation = v_row.id and ((t.state = 'rotated' and t.rotated_at > p_now - interval '10 minutes')
                                   or (t.state = 'waiting' and t.lease_until > p_now));
  return query
    with due as (
      select t.tenant_id from rotation_tenants t
      where t.rotation = v_row.id and t.state = 'waiting' and (t.canary or v_row.stage = 'rest')
        and t.due_at <= p_now and (t.lease_until is null or t.lease_until <= p_now)
      order by t.canary desc, t.due_at limit greatest(0, least(p_limit, v_free)) for update skip locked
    ), claimed as (
      update rotation_tenants t set lease = gen_random_uuid(), lease_until = p_until, attempts = t.attempts + 1
      from due where t.tenant_id = due.tenant_id and t.rotation = v_row.id
      returning t.*
    )
    select to_jsonb(c) || jsonb_build_object('campaign', to_jsonb(v_row)) from claimed c;
end $$;
select door('claim_rotations(timestamptz, timestamptz, integer)');

-- Follows what was rotated until the old credentials have ended, also of a campaign that is over. Answers those whose new
-- keys nobody has judged yet.
create function follow_rotations(p_now timestamptz, p_limit integer) returns setof jsonb language plpgsql as $$
declare
  v_row rotation_tenants;
  v_operation operations;
  v_push owed_calls;
  v_ends timestamptz;
  v_living boolean;
begin
  for v_row in
    select t.* from rotations r join rotation_tenants t on t.rotation = r.id
    where t.state in ('rotated', 'taken') and t.due_at <= p_now
    order by t.due_at, t.tenant_id limit p_limit for update of t skip locked
  loop
    if v_row.state = 'rotated' then
      v_push := null;
      select * into v_operation from operations o where o.tenant_id = v_row.tenant_id and o.id = v_row.operation;
      -- Owed in the transaction that ended the operation, if the marketplace is told at all.
      select * into v_push from owed_calls c
      where c.tenant_id = v_row.tenant_id and c.kind = 'push-config' and c.created_at >= v_operation.ended_at
      order by c.sequence limit 1;
      v_row.state := case
        when v_operation.state = 'cancelled' or v_push.state = 'cancelled' then 'gone'
        when v_operation.state in ('refused', 'failed') or v_push.state = 'given_up' then 'failed'
        when v_operation.state = 'done' and v_row.judged_at is not null and coalesce(v_push.state, 'delivered') = 'delivered'
          then 'taken'
        else 'rotated' end;
      update rotation_tenants t set
        state = v_row.state,
        pushed_at = case when v_push.state = 'delivered' then v_push.ended_at end,
        due_at = p_now + case when v_row.state = 'rotated' then interval '1 second' else interval '0' end,
        note = case when v_row.state = 'failed' then coalesce(v_operation.message, 'the marketplace did not take it: ' || v_push.last_fault)
                    when v_row.state = 'rotated' then v_operation.last_fault end
      where t.tenant_id = v_row.tenant_id and t.rotation = v_row.rotation;
      if v_row.state = 'rotated' and v_row.judged_at is null then
        return next to_jsonb(v_row);
      end if;
    else
      select bool_or(c.state <> 'revoked'), max(coalesce(c.revoked_at, c.retires_at)) into v_living, v_ends
      from credentials c join jsonb_array_elements(v_row.keys) k on c.id = (k->'old'->>'credential')::uuid
      where c.tenant_id = v_row.tenant_id;
      update rotation_tenants t set
        state = case when coalesce(v_living, false) then 'taken' else 'ended' end,
        ended_at = case when not coalesce(v_living, false) then v_ends end,
        due_at = greatest(v_ends, p_now + interval '5 seconds')
      where t.tenant_id = v_row.tenant_id and t.rotation = v_row.rotation;
    end if;
  end loop;
end $$;
select door('follow_rotations(timestamptz, integer)');

-- One campaign, or the newest: how far it is.
create function rotation_status(p_id text) returns setof jsonb language sql stable as $$
  select to_jsonb(r) || jsonb_build_object('tenants', (
    select coalesce(jsonb_object_agg(s.state, s.count), '{}')
    from (select t.state, count(*) from rotation_tenants t where t.rotation = r.id group by t.state) s),
    'canaries', (select count(*) from rotation_tenants t where t.rotation = r.id and t.canary),
    'failed', (select coalesce(jsonb_agg(jsonb_build_object('tenant', f.tenant_id, 'note', f.note)), '[]')
               from (select * from rotation_tenants t where t.rotation = r.id and t.state = 'failed'
                     order by t.tenant_id limit 20) f))
  from rotations r where p_id is null or r.id = p_id
  order by r.created_at desc limit 1
$$;
select door('rotation_status(text)');

-- The proof, tenant by tenant.
create function rotation_proof(p_id text, p_after text, p_limit integer) returns setof jsonb language sql stable as $$
  select jsonb_build_object('tenant', t.tenant_id, 'marketplace', n.marketplace, 'canary', t.canary, 'state', t.state,
    'attempts', t.attempts, 'keys', t.keys, 'rotated_at', t.rotated_at, 'judged_at', t.judged_at,
    'pushed_at', t.pushed_at, 'ended_at', t.ended_at, 'note', t.note)
  from rotation_tenants t join tenants n on n.id = t.tenant_id
  where t.rotation = p_id and t.tenant_id > p_after order by t.tenant_id limit p_limit
$$;
select door('rotation_proof(text, text, integer)');
