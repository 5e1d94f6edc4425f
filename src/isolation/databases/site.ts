import type { EnvironmentNames, Model, TenantNames } from "./names.ts";
import type { Server } from "./prepare.ts";
import { type OpenAs, type OpenSession, quoted, type Session } from "./session.ts";

/** What a plan allows its tenants on the server. */
export interface DatabaseLimits {
  readonly connections: number;
  readonly statementSeconds: number;
  readonly storageMegabytes: number;
  /** How long data are kept after a deprovision. */
  readonly graceDays: number;
}

/** A login a customer holds. */
export interface WantedLogin {
  readonly role: string;
  readonly password: string;
  /** It may look and change nothing. */
  readonly readsOnly: boolean;
}

/** What the tenants' server should hold of one tenant. */
export interface Target {
  readonly model: Model;
  /** `open`: logins work. `closed`: they are kept, nobody gets in. `kept`: data without logins. `none`: nothing at all. */
  readonly access: "open" | "closed" | "kept" | "none";
  readonly limits: DatabaseLimits;
  readonly logins: readonly WantedLogin[];
  /** Logins of ours that work on a move: they are left alone. */
  readonly working: readonly string[];
  /** Beyond the hard mark of its storage: new sessions begin read-only. */
  readonly full: boolean;
}

/** The tenants' server. */
export interface Surroundings {
  readonly server: Server;
  readonly environment: EnvironmentNames;
  readonly shared: string;
  readonly open: OpenSession;
  readonly openAs: OpenAs;
}

/** The tenants' server, as one tenant is settled on it. */
export interface Site extends Surroundings {
  readonly names: TenantNames;
  /** On the shared database. */
  readonly session: Session;
}

/**
 * Since PostgreSQL 16 whoever makes a role becomes a member of it, and whether somebody may change a role is looked up among
 * all it is a member of, again for each statement: an administrator who has made thousands takes seconds. So the roles of
 * tenants are made, changed and dropped by makers, each for the tenants whose ids begin alike; nobody logs in as one.
 * A superuser is not looked up, and in PostgreSQL 15 nobody becomes a member.
 */
export const hasMakers = ({ server }: Pick<Site, "server">): boolean => !server.superuser && server.version >= 160_000;

/** What makes, changes, grants or drops roles of the tenant: to be run together, in one text. */
export function asMaker(site: Pick<Site, "server" | "names">, statements: readonly string[]): readonly string[] {
  if (statements.length === 0 || !hasMakers(site)) return statements;
  return [`set local role ${site.names.maker}`, ...statements, `set local role ${quoted(site.server.admin)}`];
}

/**
 * An administrator who is no superuser may act for a role only as its member. It is one while it is at work and not
 * longer: what it may do by itself stays small.
 */
export function take(site: Site, roles: readonly string[]): readonly string[] {
  const { server } = site;
  if (server.superuser) return [];
  return asMaker(
    site,
    roles.map((role) => `grant ${role} to ${quoted(server.admin)}`),
  );
}

/** Ends what `take` began, now or in a run that did not come this far. */
export function giveBack(site: Site, roles: readonly string[]): readonly string[] {
  const { server } = site;
  if (server.superuser) return [];
  return asMaker(
    site,
    roles.map((role) => `revoke ${role} from ${quoted(server.admin)}`),
  );
}
