-- One secret issued to a tenant. The sealed value can be shown again and goes at revocation; the keyed hash stays, so that
-- a dead key is known for what it was.
create table credentials (
  id          uuid not null,
  tenant_id   text not null references tenants (id),
  kind        text not null,
  var         text not null,
  state       text not null check (state in ('active', 'retiring', 'revoked')),
  key_id      text,
  key_hash    text,
  sealed      text,
  hint        text not null default '',
  scopes      text[] not null default '{}',
  created_at  timestamptz not null,
  retires_at  timestamptz,
  overlap_seconds integer,
  revoked_at  timestamptz,
  primary key (tenant_id, id),
  check (state <> 'retiring' or retires_at is not null)
);
create unique index credentials_key on credentials (key_id) where key_id is not null;
create unique index credentials_one_active on credentials (tenant_id, var) where state = 'active';
create index credentials_retiring on credentials (retires_at) where state = 'retiring';
select wall('credentials', 'tenant_id');
select app_may('select, insert, update on credentials');

-- Writes credentials made by our code: [{id, kind, var, key_id, key_hash, sealed, hint, scopes}].
create function put_credentials(p_tenant text, p_credentials jsonb, p_now timestamptz)
returns void language sql as $$
  insert into credentials (id, tenant_id, kind, var, state, key_id, key_hash, sealed, hint, scopes, created_at)
  select id, p_tenant, kind, var, 'active', key_id, key_hash, sealed, coalesce(hint, ''), coalesce(scopes, '{}'), p_now
  from jsonb_to_recordset(coalesce(p_credentials, '[]')) as c(
    id uuid, kind text, var text, key_id text, key_hash text, sealed text, hint text, scopes text[])
$$;
revoke all on function put_credentials(text, jsonb, timestamptz) from public;
select app_may('execute on function put_credentials(text, jsonb, timestamptz)');

-- The keys that sign our tokens. No tenant in it; the private half is sealed.
create table token_keys (
  kid          text primary key check (kid ~ '^[a-z0-9-]{1,32}$'),
  -- Processes that want the next key at once all write the same generation: one of them makes it.
  generation   integer not null unique,
  public_jwk   jsonb not null,
  sealed       text not null,
  created_at   timestamptz not null,
  signs_from   timestamptz not null,
  signs_until  timestamptz not null,
  listed_until timestamptz not null
);
select app_may('select, insert on token_keys');
