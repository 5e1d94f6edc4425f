-- The serving role and the two manners every later migration uses.
--
-- Owner: runs migrations, owns every table, serves nothing. Its own rows are hidden from it by FORCE ROW LEVEL SECURITY.
-- stallholder_app: serves. Neither owner nor superuser nor bypassing; it sees one tenant at a time, the one in the
-- transaction-local setting app.tenant_id.

do $$
begin
  create role stallholder_app nologin;
exception
  when duplicate_object or unique_violation then null;
  -- Small hosted databases give no CREATEROLE: then the owner serves, and `stallholder doctor` says so.
  when insufficient_privilege then null;
end $$;

-- Whoever migrates must be able to take it. Since PostgreSQL 16 a member need not be: creating a role, for one, makes its
-- administrator and no more.
do $$
declare
  v_take text := case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end;
begin
  if exists (select from pg_roles where rolname = 'stallholder_app')
     and not pg_has_role(current_user, 'stallholder_app', v_take) then
    execute format('grant stallholder_app to %I', current_user);
  end if;
exception
  when insufficient_privilege then null;
end $$;

-- Grants to the serving role, or to nobody where there is none. Usage: select app_may('select, insert on tenants');
create function app_may(privileges text) returns void
language plpgsql as $$
begin
  if exists (select from pg_roles where rolname = 'stallholder_app') then
    execute format('grant %s to stallholder_app', privileges);
  end if;
end $$;

-- Nobody but the owner makes objects here, temporary ones included: they could be taken for ours.
revoke create on schema public from public;
do $$
begin
  execute format('revoke temporary on database %I from public', current_database());
exception
  when insufficient_privilege then null;
end $$;
select app_may('usage on schema public');
-- The ledger of these files: readiness compares it with the files of its version.
select app_may('select on migrations');

-- The tenant of this transaction, or null. The setting is empty, not absent, after an earlier transaction of the same
-- connection has set it locally; nullif makes both the same.
create function this_tenant() returns text
language sql stable parallel safe as $$ select nullif(current_setting('app.tenant_id', true), '') $$;

create function in_door() returns boolean
language sql stable parallel safe as $$ select current_setting('application_name') = 'stallholder door' $$;

-- Puts a table under the wall: a tenant sees and writes its own rows only; the owner sees rows only inside a door, which
-- is a SECURITY DEFINER function that carries its own application_name. (A setting of our own would be the plain choice,
-- but only a superuser may attach one to a function.) The name does not help the serving role: the policy is for the
-- owner alone.
create function wall(target regclass, tenant_column name) returns void
language plpgsql as $$
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('create policy tenant on %s using (%I = this_tenant()) with check (%I = this_tenant())',
                 target, tenant_column, tenant_column);
  execute format('create policy door on %s to %I using (in_door()) with check (in_door())', target, current_user);
end $$;

-- Makes a function a door: callable by the serving role and by nobody else.
create function door(signature regprocedure) returns void
language plpgsql as $$
begin
  execute format('alter function %s security definer', signature);
  execute format('alter function %s set search_path = public, pg_temp', signature);
  execute format('alter function %s set application_name = ''stallholder door''', signature);
  execute format('revoke all on function %s from public', signature);
  perform app_may(format('execute on function %s', signature));
end $$;

revoke all on function app_may(text), this_tenant(), in_door(), wall(regclass, name), door(regprocedure) from public;
-- Every policy asks for it, with the rights of whoever reads.
select app_may('execute on function this_tenant()');
