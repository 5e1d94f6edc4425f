import { dropLogins } from "./logins.ts";
import { atTenant } from "./makers.ts";
import { tenantNames } from "./names.ts";
import { compare, type Discrepancy, type ReconcileParts } from "./reconcile.ts";
import { type Session, together, within } from "./session.ts";
import { isLogin, rolesThere, settleTenant } from "./settle.ts";
import { giveBack, type Surroundings, type Target } from "./site.ts";

export interface Repair {
  /** What was found and is right now. */
  readonly mended: readonly Discrepancy[];
  /** What is left, with the reason in `says`. */
  readonly left: readonly Discrepancy[];
}

const nothing: Target = {
  model: "pool",
  access: "none",
  limits: { connections: 0, statementSeconds: 0, storageMegabytes: 0, graceDays: 0 },
  logins: [],
  working: [],
  full: false,
};

/** Mends what is safe: nobody's logins and empty places go, every tenant gets what its row says. Nobody's data stay. */
export async function repair(
  parts: ReconcileParts & { readonly settle: (tenant: string) => Promise<void> },
  gives: boolean,
): Promise<Repair> {
  const found = await compare(parts, gives);
  const surroundings = await parts.surroundings();
  const faults = new Map<string, string>();
  for (const [tenant, cure] of cures(found)) {
    const mend = cure === "settle" ? parts.settle(tenant) : removeNobodys(surroundings, tenant);
    await mend.catch((fault: unknown) => faults.set(tenant, fault instanceof Error ? fault.message : String(fault)));
  }
  const still = await compare(parts, gives);
  const key = ({ is, name }: Discrepancy): string => `${is} ${name}`;
  const left = new Map(still.map((one) => [key(one), one]));
  return {
    mended: found.filter((one) => !left.has(key(one))),
    left: still.map((one) => ({ ...one, says: [one.says, faults.get(one.tenant)].filter(Boolean).join("; ") })),
  };
}

/** One cure for each tenant that has something to be mended. */
function cures(found: readonly Discrepancy[]): ReadonlyMap<string, "settle" | "remove"> {
  return new Map(found.flatMap(({ tenant, cure }) => (cure === "person" ? [] : [[tenant, cure] as const])));
}

async function removeNobodys(surroundings: Surroundings, tenant: string): Promise<void> {
  if (!(await holdsData(surroundings, tenant))) return settleTenant(surroundings, tenant, nothing);
  await atTenant(surroundings, tenant, async (site) => {
    const { session, names } = site;
    const there = await rolesThere(site);
    const logins = there.filter((role) => isLogin(site, role));
    await dropLogins(site, there, logins);
    await together(
      session,
      giveBack(
        site,
        there.filter((role) => role === names.owner),
      ),
    );
  });
  throw new Error("it holds data, which nobody removes for you");
}

async function holdsData({ open, environment }: Surroundings, tenant: string): Promise<boolean> {
  const { schema, database, owner } = tenantNames(environment.environment, tenant);
  const inShared = await within(open, undefined, async (session) => ({
    // One that was never opened was never used.
    silo: (await session.run("select from pg_database where datname = $1 and datallowconn", [database])).length > 0,
    schema: await holdsRelations(session, schema),
    owns:
      (
        await session.run("select from pg_class where relowner = (select oid from pg_roles where rolname = $1)", [
          owner,
        ])
      ).length > 0,
  }));
  if (inShared.schema || inShared.owns) return true;
  return inShared.silo && within(open, database, (session) => holdsRelations(session, "public"));
}

async function holdsRelations(session: Session, schema: string): Promise<boolean> {
  const rows = await session.run(
    "select from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 limit 1",
    [schema],
  );
  return rows.length > 0;
}
