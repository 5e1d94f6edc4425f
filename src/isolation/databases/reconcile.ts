import type { Store } from "../isolation.ts";
import { type ListedDatabase, listDatabases, type Thing, thingsThere } from "./listing.ts";
import { readName, tenantNames } from "./names.ts";
import { type Session, within } from "./session.ts";
import type { Surroundings } from "./site.ts";

/** Something on the server that no row of ours speaks of, or something of which a row speaks and that is not there. */
export interface Discrepancy {
  readonly is: Thing["is"] | "tenant" | "membership";
  readonly name: string;
  readonly tenant: string;
  /** `settle`: a settlement puts it right. `remove`: it belongs to nobody. `person`: nobody else can decide. */
  readonly cure: "settle" | "remove" | "person";
  readonly says: string;
}

export interface ReconcileParts {
  readonly store: Store;
  readonly surroundings: () => Promise<Surroundings>;
}

/** What is tried in vain so often is more than a server that is restarting. */
const PATIENCE = 5;

/**
 * Compares the server with our rows. The server is looked at before and after the rows are read, and only what differs
 * both times counts: what is made or removed meanwhile is no discrepancy. `gives`: purchases come with a login.
 */
export async function compare(parts: ReconcileParts, gives: boolean): Promise<readonly Discrepancy[]> {
  const { open, environment } = await parts.surroundings();
  return within(open, undefined, async (session) => {
    const before = await thingsThere(session, environment);
    const listed = new Map<string, ListedDatabase>();
    for await (const one of listDatabases(parts.store)) listed.set(one.tenant, one);
    const after = await thingsThere(session, environment);

    const names = (things: readonly Thing[]) => new Set(things.map(keyOf));
    const [first, second] = [names(before), names(after)];
    const extra = before
      .filter((thing) => second.has(keyOf(thing)))
      .flatMap((thing) => judgeExtra(thing, listed.get(thing.tenant), environment.environment));
    const missing = [...listed.values()].flatMap((one) => [
      ...judgeMissing(one, (thing) => first.has(keyOf(thing)) || second.has(keyOf(thing)), environment.environment),
      ...judgeTenant(one, gives),
    ]);
    const owners = await openOwners(session, environment.environment);
    return [...extra, ...missing, ...owners, ...(await strangeMemberships(session, environment.environment))];
  });
}

const keyOf = ({ is, name }: Pick<Thing, "is" | "name">): string => `${is} ${name}`;

/** What should lie there for a tenant whose row is settled. */
function expected(one: ListedDatabase, environment: string): readonly Pick<Thing, "is" | "name">[] {
  if (one.state === undefined || one.state === "removed") return [];
  const names = tenantNames(environment, one.tenant);
  const places = {
    pool: [],
    bridge: [{ is: "schema", name: names.schema }],
    silo: [{ is: "database", name: names.database }],
  } as const;
  return [
    { is: "owner", name: names.owner },
    { is: "reader", name: names.reader },
    ...places[one.model ?? "pool"],
    ...(one.state === "retained" ? [] : one.logins.map((name) => ({ is: "login", name }) as const)),
  ];
}

const isUnderWay = (one: ListedDatabase): boolean => !one.isSettled && one.attempts < PATIENCE;

function judgeExtra(thing: Thing, one: ListedDatabase | undefined, environment: string): readonly Discrepancy[] {
  if (one?.state === undefined) return [{ ...thing, cure: "remove", says: "belongs to no tenant" }];
  if (one.moves.some(({ login }) => login === thing.name)) return [];
  if (isUnderWay(one) || expected(one, environment).some((wanted) => keyOf(wanted) === keyOf(thing))) return [];
  // Where data come to be while they are moved, and where they are kept after it, is for the move to say.
  const isOtherPlace = (thing.is === "schema" || thing.is === "database") && one.state !== "removed";
  if (isOtherPlace && one.moves.some(({ state }) => state !== "failed")) return [];
  if (isOtherPlace) return [{ ...thing, cure: "person", says: `is not where the tenant's data live (${one.model})` }];
  return [{ ...thing, cure: "settle", says: `should not be there: the tenant's database is ${one.state}` }];
}

function judgeMissing(
  one: ListedDatabase,
  isThere: (thing: Pick<Thing, "is" | "name">) => boolean,
  environment: string,
): readonly Discrepancy[] {
  if (isUnderWay(one)) return [];
  return expected(one, environment)
    .filter((thing) => !isThere(thing))
    .map((thing) => ({ ...thing, tenant: one.tenant, cure: "settle", says: missingSays(thing) }));
}

const missingSays = ({ is }: Pick<Thing, "is">): string =>
  is === "schema" || is === "database"
    ? "is not there, and the data are lost: a repair makes it anew and empty"
    : "is not there";

function judgeTenant(one: ListedDatabase, gives: boolean): readonly Discrepancy[] {
  const about = { is: "tenant", name: one.tenant, tenant: one.tenant } as const;
  if (!one.isSettled && one.attempts >= PATIENCE) {
    return [{ ...about, cure: "settle", says: `cannot be settled, after ${one.attempts} tries: ${one.fault}` }];
  }
  const lacks = one.logins.length === 0 && (one.tenantState === "active" || one.tenantState === "suspended");
  if (gives && lacks) {
    return [{ ...about, cure: "person", says: "has no login: a rotation of its credentials gives it one" }];
  }
  return [];
}

/** Nobody logs in as an owner or a reader, with a password or with a token of AWS. */
async function openOwners(session: Session, environment: string): Promise<readonly Discrepancy[]> {
  const rows = await session.run<{ name: string }>(
    "select rolname::text as name from pg_roles where rolcanlogin and starts_with(rolname::text, $1)",
    [`${environment}_`],
  );
  return rows.flatMap(({ name }) => {
    const { is, tenant } = readName(environment, name) ?? { is: "login", tenant: "" };
    if (is !== "owner" && is !== "reader") return [];
    return [
      { is, name, tenant, cure: "settle", says: "can be logged in as: no limit, suspension or move reaches that" },
    ];
  });
}

/** Roles of tenants that are members of roles which no tenant should be in, or that may more than a tenant may. */
async function strangeMemberships(session: Session, environment: string): Promise<readonly Discrepancy[]> {
  const rows = await session.run<{ member: string; role: string }>(
    `select m.member::regrole::text as member, m.roleid::regrole::text as role from pg_auth_members m
     where starts_with(m.member::regrole::text, $1)
     union all
     select rolname, 'a powerful role' from pg_roles where starts_with(rolname::text, $1)
       and (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls)`,
    [`${environment}_`],
  );
  return rows.flatMap(({ member, role }) => {
    const read = readName(environment, member);
    const mine = readName(environment, role)?.tenant === read?.tenant || isGroup(environment, role);
    if (read === undefined || mine) return [];
    const says = `may act as ${role}: revoke that`;
    return [{ is: "membership", name: member, tenant: read.tenant, cure: "person", says } as const];
  });
}

const isGroup = (environment: string, role: string): boolean =>
  ["connect", "tenants", "tenants_read"].some((group) => role === `${environment}_${group}`);
