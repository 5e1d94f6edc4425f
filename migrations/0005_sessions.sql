-- A customer who came by the marketplace's sign-in. The id is kept as a digest: a dump opens no session.
create table sessions (
  digest     text primary key,
  tenant_id  text not null references tenants (id),
  data       jsonb not null,
  started_at timestamptz not null,
  seen_at    timestamptz not null
);
create index sessions_tenant on sessions (tenant_id);
create index sessions_seen on sessions (seen_at);
select wall('sessions', 'tenant_id');
select app_may('select, delete on sessions');

-- A sign-in token works once. Kept until it would be refused as stale anyway.
create table used_sign_ins (
  tenant_id  text not null references tenants (id),
  digest     text not null,
  session    text,
  expires_at timestamptz not null,
  primary key (tenant_id, digest)
);
create index used_sign_ins_expiry on used_sign_ins (expires_at);
select wall('used_sign_ins', 'tenant_id');
select app_may('select, insert, update on used_sign_ins');

-- Processes that run owed work, and when each was last seen.
create table workers (
  id      text primary key,
  seen_at timestamptz not null
);
select app_may('select, insert, update, delete on workers');
