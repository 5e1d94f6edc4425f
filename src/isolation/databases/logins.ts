import { setTimeout as sleep } from "node:timers/promises";
import { scramVerifier } from "./scram.ts";
import { literal, quoted, together } from "./session.ts";
import { asMaker, type Site, type Target, take, type WantedLogin } from "./site.ts";
import { clearTraces } from "./traces.ts";

/** Makes every wanted login as it should be: two of one tenant act for the same owner, so they have the same data. */
export async function setLogins(site: Site, there: readonly string[], target: Target): Promise<void> {
  for (const login of target.logins) {
    const verifier = await scramVerifier(login.password);
    await together(
      site.session,
      asMaker(site, loginStatements(site, login, there.includes(login.role), target, verifier)),
    );
  }
}

function loginStatements(
  { names, shared }: Site,
  login: WantedLogin,
  exists: boolean,
  { access, limits, model, full }: Target,
  verifier: string,
): readonly string[] {
  const { role } = login;
  const [acts, never] = login.readsOnly ? [names.reader, names.owner] : [names.owner, names.reader];
  const may = access === "open" ? "login" : "nologin";
  const readsOnly = login.readsOnly || full;
  return [
    `${exists ? "alter" : "create"} role ${role} ${may} inherit connection limit ${limits.connections} password ${literal(verifier)}`,
    `grant ${acts} to ${role}`,
    `revoke ${never} from ${role}`,
    // What the customer set for itself goes.
    `alter role ${role} reset all`,
    `alter role ${role} in database ${quoted(shared)} reset all`,
    `alter role ${role} set role = ${acts}`,
    `alter role ${role} set statement_timeout = ${literal(`${limits.statementSeconds}s`)}`,
    ...(readsOnly ? [`alter role ${role} set default_transaction_read_only = on`] : []),
    ...(model === "bridge"
      ? [`alter role ${role} in database ${quoted(shared)} set search_path = ${names.schema}`]
      : []),
  ];
}

/**
 * Ends logins for good. First nobody gets in, then whoever is in is thrown out, then what they own goes to the tenant's
 * owner, and then they are no more. Somebody else may have granted them things in a database that is not theirs: that is
 * taken back there, or it would keep the role alive.
 */
export async function dropLogins(site: Site, there: readonly string[], roles: readonly string[]): Promise<void> {
  if (roles.length === 0) return;
  const { session, names } = site;
  const owners = there.filter((role) => role === names.owner);
  const shut = roles.map((role) => `alter role ${role} nologin`);
  await together(session, [...asMaker(site, shut), ...take(site, [...roles, ...owners])]);
  await endSessions(site, roles);
  const handOver = owners.flatMap((owner) => roles.map((role) => `reassign owned by ${role} to ${owner}`));
  await clearTraces(site, roles, [...handOver, ...roles.map((role) => `drop owned by ${role}`)]);
  await together(session, asMaker(site, dropping(roles)));
}

export const dropping = (roles: readonly string[]): readonly string[] => roles.map((role) => `drop role ${role}`);

const GONE_WITHIN_MS = 4_000;
const LOOK_AGAIN_MS = 50;

/** Throws out the sessions of roles that may no longer log in, and returns when there is none. */
export async function endSessions({ session }: Site, roles: readonly string[]): Promise<void> {
  const until = performance.now() + GONE_WITHIN_MS;
  for (let quiet = 0; quiet < 2; ) {
    const rows = await session.run(
      "select pg_terminate_backend(pid) from pg_stat_activity where usename = any($1) and backend_type = 'client backend'",
      [roles],
    );
    quiet = rows.length === 0 ? quiet + 1 : 0;
    if (performance.now() > until) throw new Error("Sessions of a login that has ended do not go away.");
    // Who was being let in during the first look is seen at the second.
    if (quiet < 2) await sleep(LOOK_AGAIN_MS);
  }
}
