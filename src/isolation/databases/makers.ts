import { tenantNames } from "./names.ts";
import { createRole, whileColliding } from "./prepare.ts";
import { quoted, together, within } from "./session.ts";
import { asMaker, hasMakers, type Site, type Surroundings } from "./site.ts";

/** Runs `work` as the administrator on the shared database, for one tenant. */
export function atTenant<T>(surroundings: Surroundings, tenant: string, work: (site: Site) => Promise<T>): Promise<T> {
  const names = tenantNames(surroundings.environment.environment, tenant);
  return within(surroundings.open, undefined, async (session) => {
    const site = { ...surroundings, names, session };
    await readyMaker(site);
    return work(site);
  });
}

/** A membership that the administrator granted itself, before there were makers. */
interface OldGrant {
  readonly role: string;
  readonly member: string;
  readonly inherits: boolean;
  readonly sets: boolean;
}

interface Found {
  readonly isReady: boolean;
  /** Roles of the tenant that the administrator rules and the maker does not. */
  readonly strange: readonly string[];
  readonly old: readonly OldGrant[];
}

/**
 * Sees to it that there is a maker for the tenant's roles, and that it rules those which are there: roles made before
 * there were makers are handed over to it. The second time nothing changes.
 */
export async function readyMaker(site: Site): Promise<void> {
  if (!hasMakers(site)) return;
  const { session, server, environment, names } = site;
  const { isReady, strange, old } = await look(site);
  if (!isReady) {
    const { connect, tenants, tenantsRead } = environment;
    const statements = [
      createRole(names.maker, "nologin createrole"),
      `grant ${names.maker} to ${quoted(server.admin)} with inherit false, set true`,
      // In the order in which tenants are let into them, or the two would wait for each other.
      `grant ${tenants}, ${tenantsRead}, ${connect} to ${names.maker} with admin true, inherit false, set false`,
    ];
    await whileColliding(() => together(session, statements));
  }
  await together(session, [
    ...strange.map((role) => `grant ${role} to ${names.maker} with admin true, inherit false, set false`),
    ...old.flatMap((grant) => handOver(site, grant)),
  ]);
}

async function look({ session, server, environment, names }: Site): Promise<Found> {
  const { connect, tenants, tenantsRead } = environment;
  const [found] = await session.run<Found>(
    `with admin as (select oid from pg_roles where rolname = $1),
       maker as (select oid from pg_roles where rolname = $2),
       mine as (select oid, rolname from pg_roles where rolname between $3::name and $4::name),
       rules as (select roleid from pg_auth_members where member = (select oid from maker) and admin_option),
       groups as (select oid from pg_roles where rolname = any($5)),
       grants as (
         select * from pg_auth_members where grantor = (select oid from admin) and member in (select oid from mine)
           and (roleid in (select oid from mine) or roleid in (select oid from groups))
         union all
         select * from pg_auth_members where grantor = (select oid from admin) and roleid in (select oid from mine)
           and member = (select oid from admin))
     select
       (select count(*) from rules where roleid in (select oid from groups)) = cardinality($5::name[])
         and exists (select from pg_auth_members where roleid = (select oid from maker)
                     and member = (select oid from admin) and set_option) as "isReady",
       array(select rolname::text from mine where oid not in (select roleid from rules)
             and exists (select from pg_auth_members where roleid = mine.oid and member = (select oid from admin)
                         and admin_option)) as strange,
       (select coalesce(jsonb_agg(jsonb_build_object('role', r.rolname, 'member', m.rolname,
                 'inherits', g.inherit_option, 'sets', g.set_option) order by r.rolname), '[]')
        from grants g join pg_roles r on r.oid = g.roleid join pg_roles m on m.oid = g.member) as old`,
    [server.admin, names.maker, names.owner, `${names.owner}_~`, [connect, tenants, tenantsRead]],
  );
  if (found === undefined) throw new Error("The tenants' server says nothing of its roles.");
  return found;
}

/** The maker's grant comes first, so that nobody is without it at any moment. */
function handOver(site: Site, { role, member, inherits, sets }: OldGrant): readonly string[] {
  const ends = `revoke ${role} from ${quoted(member)}`;
  if (member === site.server.admin) return [ends];
  return [...asMaker(site, [`grant ${role} to ${member} with inherit ${inherits}, set ${sets}`]), ends];
}
