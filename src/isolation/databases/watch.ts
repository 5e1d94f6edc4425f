import type { DatabasesOptions } from "./contract.ts";
import { readName } from "./names.ts";
import { literal, type Session, within } from "./session.ts";
import type { DatabaseLimits, Surroundings } from "./site.ts";

type Parts = Pick<DatabasesOptions, "store" | "sees"> & { readonly surroundings: () => Promise<Surroundings> };

interface WatchedSession {
  readonly pid: number;
  readonly login: string | null;
  /** The role may still log in; null when there is no such role any more. */
  readonly may: boolean | null;
  /** How long its statement has run by the server's clock; 0 while it runs none. */
  readonly seconds: number;
  /** Tells this statement from the next one of the session. */
  readonly began: string | null;
}

/** A statement may be this much late before it is cancelled: its own time limit comes first. */
const LATE_SECONDS = 1;
/** One that goes on all the same ends with its session. */
const DEAF_SECONDS = 10;

/**
 * Holds sessions to what their plan allows, whatever they have set for themselves: a statement beyond its time is
 * cancelled, one that does not listen ends with its session, and so does every session of a login that has ended. Where
 * the administrator may not see what others run and end it, it only tells who is there.
 */
export async function watchSessions({ store, surroundings, sees }: Parts): Promise<void> {
  const { server, environment, shared, open } = await surroundings();
  await within(open, undefined, async (session) => {
    if (sees !== undefined) await seeLogins(session, environment.environment, sees);
    if (!server.watches) return;
    const watched = await suspects(session, environment.environment, shared);
    if (watched.length === 0) return;
    const tenants = watched.flatMap(({ login }) => readName(environment.environment, login ?? "")?.tenant ?? []);
    const rows = await store.throughDoor<{
      database_limits: { tenant: string; limits: DatabaseLimits; working: readonly string[] };
    }>({ text: "select database_limits($1)", values: [tenants] });
    const working = new Set(rows.flatMap(({ database_limits: row }) => row.working));
    const limits = new Map(rows.map(({ database_limits: { tenant, limits } }) => [tenant, limits.statementSeconds]));
    for (const one of watched.filter(({ login }) => !working.has(login ?? ""))) {
      const tenant = readName(environment.environment, one.login ?? "")?.tenant ?? "";
      const verdict = judge(one, limits.get(tenant));
      if (verdict !== undefined) await end(session, one, verdict);
    }
  });
}

/** Who is there can be seen by everybody; a session that came and went between two looks is not seen. */
async function seeLogins(session: Session, environment: string, sees: NonNullable<Parts["sees"]>): Promise<void> {
  const rows = await session.run<{ login: string }>(
    `select distinct usename::text as login from pg_stat_activity
     where backend_type = 'client backend' and starts_with(usename::text, ${literal(`${environment}_`)})`,
  );
  for (const { login } of rows) {
    const named = readName(environment, login);
    if (named?.is === "login") sees(named.tenant, login);
  }
}

/** Sessions of our logins that run something for a second or more, and those whose login has ended. */
function suspects(session: Session, environment: string, shared: string): Promise<WatchedSession[]> {
  const prefix = literal(`${environment}_`);
  return session.run<WatchedSession>(
    `select a.pid, a.usename::text as login, r.rolcanlogin as may, a.query_start::text as began,
       case when a.state = 'active' then extract(epoch from clock_timestamp() - a.query_start)::float8 else 0 end as seconds
     from pg_stat_activity a left join pg_roles r on r.oid = a.usesysid
     where a.backend_type = 'client backend' and (
       (r.oid is null and (a.datname = ${literal(shared)} or starts_with(a.datname::text, ${prefix})))
       or (starts_with(r.rolname::text, ${prefix})
           and (not r.rolcanlogin or (a.state = 'active' and a.query_start < clock_timestamp() - interval '1 s'))))`,
  );
}

function judge({ may, seconds }: WatchedSession, limit: number | undefined): "cancel" | "terminate" | undefined {
  if (may !== true) return "terminate";
  if (limit === undefined || seconds < limit + LATE_SECONDS) return undefined;
  return seconds < limit + DEAF_SECONDS ? "cancel" : "terminate";
}

/** Only while the session is still at what it was seen at. */
async function end(session: Session, { pid, began }: WatchedSession, how: "cancel" | "terminate"): Promise<void> {
  await session.run(
    `select pg_${how}_backend(pid) from pg_stat_activity where pid = $1 and query_start is not distinct from $2::timestamptz`,
    [pid, began],
  );
}
