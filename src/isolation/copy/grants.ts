import pg from "pg";
import type { Scope } from "./scope.ts";
import type { Place, Session } from "./session.ts";

/** One right on one object. */
interface Grant {
  /** `table x`, `sequence s`, `type t`, or a column's `(c) on table x`. */
  readonly on: string;
  readonly right: string;
  /** What the role's name has after the owner's, so that it means the same for another tenant; null is everybody. */
  readonly suffix: string | null;
  readonly grantable: boolean;
}

export type Grants = readonly string[];

const GRANTS = `
  with objects as (
    select format(case relkind when 'S' then 'sequence %I' else 'table %I' end, relname) as on, '' as columns,
      coalesce(relacl, acldefault(case relkind when 'S' then 's' else 'r' end::"char", relowner)) as acl
    from pg_class where oid = any($2::oid[] || $3::oid[] || $4::oid[])
    union all
    select format('table %I', c.relname), format('(%I) ', a.attname), a.attacl
    from pg_attribute a join pg_class c on c.oid = a.attrelid where c.oid = any($2::oid[] || $4::oid[]) and a.attacl is not null
    union all
    select format('type %I', typname), '', coalesce(typacl, acldefault('T', typowner)) from pg_type where oid = any($5::oid[]))
  select o.columns || 'on ' || o.on as on, a.privilege_type as right, a.is_grantable as grantable,
    case when a.grantee <> 0 then substr(pg_get_userbyid(a.grantee), length($1) + 1) end as suffix
  from objects o, aclexplode(o.acl) a`;

/** Who may do what with the objects of a place, each right as a text that says the same in every place. */
export async function readGrants(session: Session, place: Place, scope: Scope): Promise<Grants> {
  const { tables, sequences, views, types } = scope;
  const grants = await session.rows<Grant>(GRANTS, [place.owner, tables, sequences, views, types]);
  return [...new Set(grants.map((grant) => JSON.stringify(grant)))].sort();
}

/** What makes the rights `are` into those there should be. */
export function regrant(owner: string, are: Grants, should: Grants): readonly string[] {
  const [before, after] = [new Set(are), new Set(should)];
  const read = (text: string): Grant => JSON.parse(text) as Grant;
  return [
    ...are.filter((text) => !after.has(text)).map((text) => statement("revoke", owner, read(text))),
    ...should.filter((text) => !before.has(text)).map((text) => statement("grant", owner, read(text))),
  ];
}

function statement(verb: "grant" | "revoke", owner: string, { on, right, suffix, grantable }: Grant): string {
  const role = suffix === null ? "public" : pg.escapeIdentifier(owner + suffix);
  const manner = verb === "grant" ? `to ${role}${grantable ? " with grant option" : ""}` : `from ${role}`;
  return `${verb} ${right} ${on} ${manner}`;
}
