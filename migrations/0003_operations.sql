-- One intended change of a tenant and how far it is. Whoever holds the lease runs it; a lease that ran out is free again.
create table operations (
  id           uuid not null,
  tenant_id    text not null references tenants (id),
  kind         text not null check (kind in ('provision', 'change_plan', 'suspend', 'resume', 'rotate', 'deprovision')),
  state        text not null check (state in ('running', 'done', 'refused', 'failed', 'cancelled')),
  target       jsonb not null default '{}',
  by           text not null,
  at           timestamptz not null,
  -- True once somebody was told "not yet": the end must then be told to the marketplace by an owed call.
  told_later   boolean not null default false,
  attempts     integer not null default 0,
  due_at       timestamptz not null,
  lease        uuid,
  lease_until  timestamptz,
  deadline_at  timestamptz,
  -- For the customer when refused; for the operator when tried in vain.
  message      text,
  last_fault   text,
  created_at   timestamptz not null,
  ended_at     timestamptz,
  primary key (tenant_id, id)
);
create unique index operations_one_running on operations (tenant_id) where state = 'running';
create index operations_due on operations (due_at) where state = 'running';
create index operations_leased on operations (tenant_id) where lease is not null;
select wall('operations', 'tenant_id');
select app_may('select, insert, update on operations');

-- What we must still tell a marketplace. In order per tenant and lane; a later call never overtakes a failed earlier one.
create table owed_calls (
  tenant_id   text not null references tenants (id),
  sequence    bigint not null,
  marketplace text not null,
  kind        text not null,
  lane        text not null,
  -- Secrets inside are sealed by whoever made the call.
  payload     jsonb not null default '{}',
  -- The same thing owed twice is owed once.
  once        text,
  state       text not null check (state in ('owed', 'delivered', 'given_up', 'cancelled')),
  due_at      timestamptz not null,
  attempts    integer not null default 0,
  lease       uuid,
  lease_until timestamptz,
  last_fault  text,
  created_at  timestamptz not null,
  ended_at    timestamptz,
  primary key (tenant_id, sequence),
  unique (tenant_id, once)
);
create index owed_calls_due on owed_calls (due_at) where state = 'owed';
create index owed_calls_order on owed_calls (tenant_id, lane, sequence) where state = 'owed';
select wall('owed_calls', 'tenant_id');
select app_may('select, insert, update on owed_calls');

-- One attempt of an owed call, written when its answer (or its silence) is known.
create table deliveries (
  tenant_id  text not null,
  sequence   bigint not null,
  attempt    integer not null,
  started_at timestamptz not null,
  ended_at   timestamptz not null,
  outcome    text not null check (outcome in ('delivered', 'retry', 'given_up')),
  status     integer,
  fault      text,
  primary key (tenant_id, sequence, attempt),
  foreign key (tenant_id, sequence) references owed_calls (tenant_id, sequence)
);
select wall('deliveries', 'tenant_id');
select app_may('select, insert on deliveries');

-- Writes owed calls: [{marketplace, kind, lane, payload, once, due_at}]. One already owed under the same `once` is left.
create function owe_calls(p_tenant text, p_calls jsonb, p_now timestamptz)
returns void language plpgsql as $$
declare
  v_call jsonb;
  v_sequence bigint;
begin
  if jsonb_array_length(coalesce(p_calls, '[]')) = 0 then
    return;
  end if;
  -- Locked before the first look: two that owe the same thing at once owe it once. Not `for update`, which would wait for
  -- everybody who has just written a row that refers to the tenant, and they for us.
  perform from tenants where id = p_tenant for no key update;
  for v_call in select * from jsonb_array_elements(p_calls) loop
    continue when v_call->>'once' is not null
      and exists (select from owed_calls c where c.tenant_id = p_tenant and c.once = v_call->>'once');
    update tenants set last_call = last_call + 1 where id = p_tenant returning last_call into v_sequence;
    insert into owed_calls (tenant_id, sequence, marketplace, kind, lane, payload, once, state, due_at, created_at)
    values (p_tenant, v_sequence, v_call->>'marketplace', v_call->>'kind', v_call->>'lane',
            coalesce(v_call->'payload', '{}'), v_call->>'once', 'owed',
            coalesce((v_call->>'due_at')::timestamptz, p_now), p_now);
  end loop;
  perform pg_notify('stallholder_due', '');
end $$;
revoke all on function owe_calls(text, jsonb, timestamptz) from public;
select app_may('execute on function owe_calls(text, jsonb, timestamptz)');
