/**
 * What everybody may do in every PostgreSQL database and no tenant may in a shared one: keep large objects, take advisory
 * locks that others wait for. Only a superuser may take these functions from PUBLIC. Runs in the database itself; the
 * second time nothing changes.
 */
export const closeSharedFunctions = `
do $close$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid::regprocedure from pg_catalog.pg_proc p
    where p.pronamespace = 'pg_catalog'::regnamespace
      and (p.proname ~ '^(lo_|lowrite$|loread$)' or p.proname ~ 'advisory')
      and has_function_privilege('public', p.oid, 'execute')
  loop
    execute format('revoke execute on function %s from public', v_function);
  end loop;
end $close$`;
