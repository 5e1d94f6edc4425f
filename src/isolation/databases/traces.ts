import { readyMaker } from "./makers.ts";
import { readName, tenantNames } from "./names.ts";
import { type Session, together, within } from "./session.ts";
import { giveBack, type Site, take } from "./site.ts";

/** Every database in which one of the roles owns or was granted something. */
async function databasesWithTraces(session: Session, roles: readonly string[]): Promise<readonly string[]> {
  const rows = await session.run<{ name: string }>(
    `select distinct coalesce(d.datname, current_database()) as name
     from pg_shdepend s left join pg_database d on d.oid = s.dbid
     where s.refclassid = 'pg_authid'::regclass and s.refobjid in (select oid from pg_roles where rolname = any($1))`,
    [roles],
  );
  return rows.map(({ name }) => name);
}

/** Who owns what was granted to the roles in this database: what they gave, only they can take back. */
async function owners(session: Session, roles: readonly string[]): Promise<readonly string[]> {
  const rows = await session.run<{ name: string }>(
    `with trace as (
       select s.classid, s.objid from pg_shdepend s
       where s.refclassid = 'pg_authid'::regclass and s.refobjid in (select oid from pg_roles where rolname = any($1))
         and s.dbid = (select oid from pg_database where datname = current_database()) and s.deptype <> 'o'
     ), owner as (
       select o.refobjid as oid from trace join pg_shdepend o using (classid, objid)
       where o.deptype = 'o' and o.dbid = (select oid from pg_database where datname = current_database())
       union
       select c.relowner from trace t join pg_policy p on p.oid = t.objid join pg_class c on c.oid = p.polrelid
       where t.classid = 'pg_policy'::regclass
     )
     select rolname as name from owner join pg_roles using (oid) where rolname <> all($1)`,
    [roles],
  );
  return rows.map(({ name }) => name);
}

/**
 * Runs `statements` in every database where the roles have left something, so that they can be dropped afterwards. Other
 * tenants may have granted them things there, which would keep them alive.
 */
export async function clearTraces(site: Site, roles: readonly string[], statements: readonly string[]): Promise<void> {
  const { environment } = site.environment;
  for (const database of await databasesWithTraces(site.session, roles)) {
    await within(site.open, database, async (inside) => {
      const others: { readonly role: string; readonly theirs: Site }[] = [];
      for (const role of await owners(inside, roles)) {
        const tenant = readName(environment, role)?.tenant;
        if (tenant === undefined || tenant === site.names.tenant) continue;
        const theirs = { ...site, names: tenantNames(environment, tenant) };
        await readyMaker(theirs);
        others.push({ role, theirs });
      }
      await together(inside, [
        ...others.flatMap(({ role, theirs }) => take(theirs, [role])),
        ...statements,
        ...others.flatMap(({ role, theirs }) => giveBack(theirs, [role])),
      ]);
    });
  }
}
