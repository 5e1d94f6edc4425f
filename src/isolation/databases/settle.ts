import { dropLogins, endSessions, setLogins } from "./logins.ts";
import { atTenant } from "./makers.ts";
import { putAside } from "./moving/other-places.ts";
import { type Model, readName } from "./names.ts";
import { makeBridge, makeSilo, removeEverything } from "./places.ts";
import { deletePooledRows } from "./pool-rows.ts";
import { together } from "./session.ts";
import { asMaker, giveBack, type Site, type Surroundings, type Target, take } from "./site.ts";

/**
 * Makes the server hold exactly what `target` says, whatever it holds now, and is the only code that makes or removes
 * anything of a tenant there. The second time nothing changes. A fault leaves it between two statements: the next call
 * goes on from whatever it finds.
 */
export async function settleTenant(surroundings: Surroundings, tenant: string, target: Target): Promise<void> {
  await atTenant(surroundings, tenant, (site) => apply(site, target));
}

async function apply(site: Site, target: Target): Promise<void> {
  const there = await rolesThere(site);
  const known = target.access === "open" || target.access === "closed" ? target.logins.map(({ role }) => role) : [];
  const spared = target.access === "none" ? [] : [...known, ...target.working];
  const unknown = there.filter((role) => isLogin(site, role) && !spared.includes(role));
  if (target.access === "none") {
    await dropLogins(site, there, unknown);
    await deletePooledRows(site, there);
    const now = await rolesThere(site);
    await dropLogins(
      site,
      now,
      now.filter((role) => isLogin(site, role)),
    );
    return removeEverything(site, now);
  }
  await makeTenant(site, there, target);
  if (target.access !== "kept") await setLogins(site, there, target);
  const { owner, reader } = site.names;
  if (target.access === "closed") await together(site.session, take(site, known));
  // Whoever let itself in as the owner meanwhile goes too.
  if (target.access !== "open") await endSessions(site, [...(target.access === "closed" ? known : []), owner, reader]);
  await dropLogins(site, [site.names.owner], unknown);
  await together(site.session, giveBack(site, [owner, reader, ...known]));
}

/** The roles of one tenant that are there. */
export async function rolesThere({ session, names }: Pick<Site, "session" | "names">): Promise<readonly string[]> {
  const rows = await session.run<{ name: string }>(
    "select rolname as name from pg_roles where rolname between $1::name and $2::name",
    [names.owner, `${names.owner}_~`],
  );
  return rows.map(({ name }) => name);
}

export const isLogin = ({ environment }: Pick<Site, "environment">, role: string): boolean =>
  readName(environment.environment, role)?.is === "login";

async function makeTenant(site: Site, there: readonly string[], { model }: Target): Promise<void> {
  const roles = [site.names.owner, site.names.reader];
  const missing = roles.filter((role) => !there.includes(role));
  await together(site.session, [
    ...asMaker(site, [
      ...missing.map((role) => `create role ${role}`),
      // A login as the owner would go round rotation, suspension, limits and the fence of a move.
      ...roles.map((role) => `alter role ${role} nologin`),
      ...groups(site, model),
    ]),
    ...take(site, roles),
  ]);
  await putAside(site, model);
  if (model === "bridge") await makeBridge(site);
  if (model === "silo") await makeSilo(site);
}

/** Pooled tenants are in the groups that the vendor's tables are granted to; a silo's never see the shared database. */
function groups({ environment, names }: Site, model: Model): readonly string[] {
  const { connect, tenants, tenantsRead } = environment;
  const { owner, reader } = names;
  const pairs = [
    [tenants, owner, "pool"],
    [tenantsRead, reader, "pool"],
    [connect, owner, "bridge"],
    [connect, reader, "bridge"],
  ] as const;
  return pairs.map(([group, role, of]) =>
    model === of ? `grant ${group} to ${role}` : `revoke ${group} from ${role}`,
  );
}
