-- Credentials that a tenant issues beside those of its config vars: each with a name of its own, and often with less than
-- full rights. One that is in a config var has `var`, a named one has `name`.
alter table credentials
  alter column var drop not null,
  add column name text,
  add column access text not null default 'full' check (access in ('full', 'read')),
  -- Roughly: at most a minute behind, and not when it was used through another's process that died.
  add column last_used_at timestamptz,
  add constraint credentials_in_var_or_named check ((var is null) <> (name is null)),
  add constraint credentials_name_check check (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$');
create unique index credentials_one_of_a_name on credentials (tenant_id, name) where state = 'active';

create or replace function put_credentials(p_tenant text, p_credentials jsonb, p_now timestamptz)
returns void language sql as $$
  insert into credentials (id, tenant_id, kind, var, name, access, state, key_id, key_hash, sealed, hint, scopes, created_at)
  select id, p_tenant, kind, var, name, coalesce(access, 'full'), 'active', key_id, key_hash, sealed, coalesce(hint, ''),
         coalesce(scopes, '{}'), p_now
  from jsonb_to_recordset(coalesce(p_credentials, '[]')) as c(
    id uuid, kind text, var text, name text, access text, key_id text, key_hash text, sealed text, hint text, scopes text[])
$$;

-- When these credentials were used last: [{tenant, id, at}]. Never waits: a row that somebody changes is left out, and
-- one that was noted less than a minute ago stays as it is.
create function note_uses(p_uses jsonb) returns void language sql as $$
  with used as (
    select u.tenant, u.id, u.at from jsonb_to_recordset(p_uses) as u(tenant text, id uuid, at timestamptz)
  ), free as (
    select c.tenant_id, c.id, u.at from credentials c join used u on u.tenant = c.tenant_id and u.id = c.id
    where c.state <> 'revoked' and (c.last_used_at is null or c.last_used_at <= u.at - interval '1 minute')
    for no key update of c skip locked
  )
  update credentials c set last_used_at = f.at from free f where c.tenant_id = f.tenant_id and c.id = f.id
$$;
select door('note_uses(jsonb)');

-- As before; the event says the name of a named one.
create or replace function retire_credentials(p_now timestamptz)
returns integer language plpgsql as $$
declare
  v_due record;
  v_row credentials;
  v_count integer := 0;
begin
  for v_due in select c.tenant_id, c.id from credentials c
               where c.state = 'retiring' and c.retires_at <= p_now and end_of(c) is not null
               order by c.tenant_id, c.id limit 500 loop
    perform from tenants where id = v_due.tenant_id for no key update;
    -- Read under the lock: another worker may have been here meanwhile.
    select * into v_row from credentials c where c.tenant_id = v_due.tenant_id and c.id = v_due.id
      and c.state = 'retiring' and c.retires_at <= p_now;
    if end_of(v_row) > p_now then
      update credentials set retires_at = end_of(v_row) where tenant_id = v_row.tenant_id and id = v_row.id;
    elsif end_of(v_row) <= p_now then
      update credentials set state = 'revoked', sealed = null, revoked_at = p_now
      where tenant_id = v_row.tenant_id and id = v_row.id;
      perform append_event(v_row.tenant_id, 'credential.revoked', 'job:retire-credentials', p_now, p_now,
                           jsonb_strip_nulls(jsonb_build_object(
                             'credential', v_row.id, 'kind', v_row.kind, 'var', v_row.var, 'name', v_row.name)));
      v_count := v_count + 1;
    end if;
  end loop;
  return v_count;
end $$;
select door('retire_credentials(timestamptz)');

-- A named one reaches nobody by a push: it ends at its time.
create or replace function end_of(c credentials)
returns timestamptz language sql stable as $$
  select case
    when c.name is not null then c.retires_at
    when exists (select from owed_calls o where o.tenant_id = c.tenant_id and o.kind = 'push-config' and o.state = 'owed')
      or exists (select from operations o where o.tenant_id = c.tenant_id and o.kind = 'rotate' and o.state = 'running')
    then null
    else coalesce(
      (select min(o.ended_at) + make_interval(secs => greatest(c.overlap_seconds, 60)) from owed_calls o
       where o.tenant_id = c.tenant_id and o.kind = 'push-config' and o.state = 'delivered'
         and o.created_at >= c.retires_at - make_interval(secs => c.overlap_seconds)
       having min(o.ended_at) > c.retires_at),
      c.retires_at)
  end
$$;
