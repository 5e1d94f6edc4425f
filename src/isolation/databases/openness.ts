import type { EnvironmentNames } from "./names.ts";
import type { Server } from "./prepare.ts";
import { literal, type Session } from "./session.ts";

/**
 * What the server leaves open to tenants that this administrator cannot close: in words, with what would. Nothing of it
 * shows a tenant another's data.
 */
export async function openDoors(
  session: Session,
  server: Server,
  names: EnvironmentNames,
  shared: string,
): Promise<readonly string[]> {
  const [row] = await session.run<{ databases: string[]; temp: boolean; functions: boolean }>(
    `select
       (select coalesce(array_agg(datname::text order by datname), '{}') from pg_database
        where datallowconn and has_database_privilege('public', oid, 'connect')
          and not starts_with(datname::text, ${literal(`${names.environment}_`)})) as databases,
       has_database_privilege('public', ${literal(shared)}, 'temp') as temp,
       exists (select from pg_proc where pronamespace = 'pg_catalog'::regnamespace
               and proname in ('lo_creat', 'pg_advisory_lock')
               and has_function_privilege('public', oid, 'execute')) as functions`,
  );
  const { databases = [], temp = false, functions = false } = row ?? {};
  return [
    ...databases.map((name) => `Every tenant may connect to the database ${name}: revoke connect on it from public.`),
    ...(temp ? [`Every tenant may make temporary tables in ${shared}: its owner should revoke that from public.`] : []),
    ...(functions
      ? [
          "Tenants of the shared database may keep large objects and take advisory locks: only a superuser can revoke that.",
        ]
      : []),
    ...(server.watches
      ? []
      : [
          `Time limits of statements are only advice: grant pg_signal_backend and pg_read_all_stats to ${server.admin} to have them enforced.`,
        ]),
  ];
}
