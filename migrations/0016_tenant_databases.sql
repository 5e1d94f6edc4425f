-- What each tenant has on the tenants' server, and what is still to be done there. One row per tenant that ever had
-- something; written before anything is made, so that nothing lies there that no row knows of.
create table tenant_databases (
  tenant_id   text primary key references tenants (id),
  -- The model its data live in now, and the one its plan asks for: where they differ, it is to be moved.
  model       text not null check (model in ('pool', 'bridge', 'silo')),
  wanted      text not null check (wanted in ('pool', 'bridge', 'silo')),
  state       text not null check (state in ('making', 'ready', 'moving', 'suspended', 'retained', 'removed')),
  -- After a deprovision, or for the time of a restore: when the data go.
  kept_until  timestamptz,
  -- Set while an operator has let somebody in again after the deprovision.
  restored_at timestamptz,
  -- The limits in force: connections, statementSeconds, storageMegabytes, graceDays.
  limits      jsonb not null default '{}',
  bytes       bigint,
  measured_at timestamptz,
  -- Which mark of its storage it is beyond.
  over        text check (over in ('soft', 'hard')),
  -- Counts what was asked for; `settled` says up to which of it the server follows.
  asked       bigint not null default 1,
  settled     bigint not null default 0,
  due_at      timestamptz,
  lease       uuid,
  lease_until timestamptz,
  attempts    integer not null default 0,
  fault       text,
  created_at  timestamptz not null,
  changed_at  timestamptz not null
);
create index tenant_databases_due on tenant_databases (due_at) where due_at is not null;
create index tenant_databases_measured on tenant_databases (measured_at nulls first)
  where state in ('ready', 'suspended', 'moving') and model <> 'pool';
select wall('tenant_databases', 'tenant_id');
select app_may('select, insert, update on tenant_databases');

-- Whoever changes a login or the standing of a tenant asks for the server to follow, whichever code that is.
create function ask_for_login() returns trigger language plpgsql as $$
begin
  update tenant_databases set asked = asked + 1, due_at = '-infinity' where tenant_id = new.tenant_id;
  return null;
end $$;
create function ask_for_tenant() returns trigger language plpgsql as $$
begin
  update tenant_databases set asked = asked + 1, due_at = '-infinity' where tenant_id = new.id;
  return null;
end $$;
create trigger credentials_ask after insert or update of state on credentials
  for each row when (new.kind = 'postgres') execute function ask_for_login();
create trigger tenants_ask after update of state, plan on tenants
  for each row when (old.plan <> new.plan
    or (old.state <> new.state and not (old.state, new.state) in (('provisioning', 'active'), ('deprovisioning', 'gone'))))
  execute function ask_for_tenant();
revoke all on function ask_for_login(), ask_for_tenant() from public;

-- Tenants for whom something is to be done on the server.
create function due_databases(p_now timestamptz, p_limit integer)
returns setof text language sql stable as $$
  select d.tenant_id from tenant_databases d
  where d.due_at <= p_now and (d.lease_until is null or d.lease_until <= p_now)
  order by d.due_at limit p_limit
$$;
select door('due_databases(timestamptz, integer)');

-- Databases whose size was last measured before p_before, longest ago first; each is taken by moving its time.
create function take_measurements(p_before timestamptz, p_now timestamptz, p_limit integer)
returns setof jsonb language sql as $$
  with due as (
    select d.tenant_id from tenant_databases d
    where d.state in ('ready', 'suspended', 'moving') and d.model <> 'pool'
      and (d.measured_at is null or d.measured_at <= p_before)
    order by d.measured_at nulls first limit p_limit for update skip locked
  ), taken as (
    update tenant_databases d set measured_at = p_now from due where d.tenant_id = due.tenant_id returning d.*
  )
  select jsonb_build_object('tenant', tenant_id, 'model', model, 'limits', limits, 'over', over) from taken
$$;
select door('take_measurements(timestamptz, timestamptz, integer)');

-- What is in force for these tenants: for whoever watches their sessions.
create function database_limits(p_tenants text[])
returns setof jsonb language sql stable as $$
  select jsonb_build_object('tenant', d.tenant_id, 'limits', d.limits) from tenant_databases d
  where d.tenant_id = any (p_tenants)
$$;
select door('database_limits(text[])');

-- For an operator: every tenant that has, had or should have something on the server, in the order of their ids.
create function list_databases(p_after text, p_limit integer)
returns setof jsonb language sql stable as $$
  select jsonb_build_object(
    'tenant', t.id, 'marketplace', t.marketplace, 'tenant_state', t.state, 'plan', t.plan,
    'row', to_jsonb(d) - 'lease',
    'logins', (select coalesce(jsonb_agg(c.key_id order by c.created_at), '[]') from credentials c
               where c.tenant_id = t.id and c.kind = 'postgres' and c.state <> 'revoked'))
  from tenants t left join tenant_databases d on d.tenant_id = t.id
  where (p_after is null or t.id > p_after)
    and (d.tenant_id is not null or t.state in ('active', 'suspended'))
  order by t.id limit p_limit
$$;
select door('list_databases(text, integer)');
