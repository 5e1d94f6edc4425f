-- Moves of a tenant's data from one place on the tenants' server to another. A row for each, for ever.
create table database_moves (
  tenant_id   text not null references tenants (id),
  id          uuid not null,
  from_model  text not null check (from_model in ('pool', 'bridge', 'silo')),
  to_model    text not null check (to_model in ('pool', 'bridge', 'silo')),
  -- planned → copying → fenced → verified → switched → kept → removing → done; undoing ends it before the switch.
  state       text not null check (state in ('planned', 'copying', 'fenced', 'verified', 'switched', 'kept', 'removing', 'done',
                                             'undoing', 'cancelled', 'failed')),
  by          text not null,
  -- What the plan asked for when this was planned: an operator may have asked for something else.
  plan_model  text not null check (plan_model in ('pool', 'bridge', 'silo')),
  -- What undoing ends in, and why, in words for the customer.
  outcome     text check (outcome in ('cancelled', 'failed')),
  reason      text,
  -- The login that works on it as the tenant.
  login       text,
  tables      integer not null default 0,
  tables_done integer not null default 0,
  rows_done   bigint not null default 0,
  rows_about  bigint not null default 0,
  bytes_done  bigint not null default 0,
  attempts    integer not null default 0,
  fault       text,
  due_at      timestamptz,
  lease       uuid,
  lease_until timestamptz,
  created_at  timestamptz not null,
  changed_at  timestamptz not null,
  -- Nobody gets in from here to the switch.
  fenced_at   timestamptz,
  switched_at timestamptz,
  -- When the old place goes.
  kept_until  timestamptz,
  ended_at    timestamptz,
  primary key (tenant_id, id)
);
create unique index database_moves_one on database_moves (tenant_id)
  where state in ('planned', 'copying', 'fenced', 'verified', 'switched', 'undoing');
create index database_moves_due on database_moves (due_at) where due_at is not null;
select wall('database_moves', 'tenant_id');
select app_may('select, insert, update on database_moves');

-- Logins that work for a while as a tenant whose data are restored into another one, or taken over from another one.
create table working_logins (
  tenant_id text not null references tenants (id),
  login     text not null,
  until     timestamptz not null,
  primary key (tenant_id, login)
);
select wall('working_logins', 'tenant_id');
select app_may('select, insert, delete on working_logins');

create function due_moves(p_now timestamptz, p_limit integer)
returns setof jsonb language sql stable as $$
  select jsonb_build_object('tenant', m.tenant_id, 'id', m.id) from database_moves m
  where m.due_at <= p_now and (m.lease_until is null or m.lease_until <= p_now)
  order by m.due_at limit p_limit
$$;
select door('due_moves(timestamptz, integer)');

-- As in 0016, with the moves that have not ended, and the last one that failed.
create or replace function list_databases(p_after text, p_limit integer)
returns setof jsonb language sql stable as $$
  select jsonb_build_object(
    'tenant', t.id, 'marketplace', t.marketplace, 'tenant_state', t.state, 'plan', t.plan,
    'row', to_jsonb(d) - 'lease',
    'moves', (select coalesce(jsonb_agg(to_jsonb(m) - 'lease' order by m.created_at), '[]') from database_moves m
              where m.tenant_id = t.id and (m.ended_at is null or (m.state = 'failed' and m.created_at =
                (select max(l.created_at) from database_moves l where l.tenant_id = t.id)))),
    'logins', (select coalesce(jsonb_agg(c.key_id order by c.created_at), '[]') from credentials c
               where c.tenant_id = t.id and c.kind = 'postgres' and c.state <> 'revoked'))
  from tenants t left join tenant_databases d on d.tenant_id = t.id
  where (p_after is null or t.id > p_after)
    and (d.tenant_id is not null or t.state in ('active', 'suspended'))
  order by t.id limit p_limit
$$;
select door('list_databases(text, integer)');

-- As in 0016, with the logins that work on a move: what they do is no statement of a customer's.
create or replace function database_limits(p_tenants text[])
returns setof jsonb language sql stable as $$
  select jsonb_build_object('tenant', d.tenant_id, 'limits', d.limits,
    'working', (select coalesce(jsonb_agg(w.login), '[]') from (
        select m.tenant_id, m.login from database_moves m where m.login is not null
        union all select l.tenant_id, l.login from working_logins l) w
      where w.tenant_id = d.tenant_id))
  from tenant_databases d
  where d.tenant_id = any (p_tenants)
$$;
select door('database_limits(text[])');
