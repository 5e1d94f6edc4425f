-- One row per purchase, kept for ever: a deprovisioned tenant stays as a tombstone without its secrets.
create table tenants (
  id             text primary key check (id ~ '^[a-z][a-z2-7]{25}$'),
  marketplace    text not null,
  resource_id    text not null,
  plan           text not null,
  region         text,
  state          text not null check (state in ('provisioning', 'active', 'suspended', 'deprovisioning', 'gone', 'failed')),
  -- Why the state is what it is, worded for the customer.
  reason         text,
  name           text not null default '',
  -- Digest of the plan, region and options of the first request: what makes a repeat the same.
  request_digest text not null,
  options        jsonb not null default '{}',
  -- What the marketplace says of the purchase and the dashboard shows (app name, owner); never authorises anything.
  facts          jsonb not null default '{}',
  -- Sealed JSON: what the marketplace handed over and must not be read from a dump; what the product added to config.
  kept_sealed    text,
  product_config_sealed text,
  -- The sequence numbers of this tenant's lifecycle events and owed calls. Both are taken under the row's lock.
  last_event     bigint not null default 0,
  last_call      bigint not null default 0,
  created_at     timestamptz not null,
  changed_at     timestamptz not null,
  ended_at       timestamptz,
  unique (marketplace, resource_id)
);
select wall('tenants', 'id');
select app_may('select, update on tenants');

-- Who may look at the tenant over there, as the marketplace said last.
create table people (
  tenant_id text not null references tenants (id),
  person_id text not null,
  email     text not null,
  role      text not null,
  seen_at   timestamptz not null,
  primary key (tenant_id, person_id)
);
select wall('people', 'tenant_id');
select app_may('select, insert, update, delete on people');

-- What happened to a tenant, for ever and in order. Nobody may change a row.
create table lifecycle_events (
  tenant_id   text not null references tenants (id),
  sequence    bigint not null,
  id          uuid not null default gen_random_uuid(),
  type        text not null,
  by          text not null,
  at          timestamptz not null,
  recorded_at timestamptz not null,
  data        jsonb not null default '{}',
  primary key (tenant_id, sequence)
);
select wall('lifecycle_events', 'tenant_id');
select app_may('select, insert on lifecycle_events');

-- Appends one event; the tenant's row lock gives the order. Runs with the rights and the scope of its caller.
create function append_event(p_tenant text, p_type text, p_by text, p_at timestamptz, p_now timestamptz, p_data jsonb)
returns void language sql as $$
  with numbered as (
    update tenants set last_event = last_event + 1 where id = p_tenant returning id, last_event
  )
  insert into lifecycle_events (tenant_id, sequence, type, by, at, recorded_at, data)
  select id, last_event, p_type, p_by, p_at, p_now, coalesce(p_data, '{}') from numbered
$$;
revoke all on function append_event(text, text, text, timestamptz, timestamptz, jsonb) from public;
select app_may('execute on function append_event(text, text, text, timestamptz, timestamptz, jsonb)');
