import type { Tx } from "../../db/db.ts";
import type { Fault } from "../../errors.ts";
import { rolesOfTenants } from "../lints/lints.ts";
import type { PoolNames } from "./names.ts";
import type { PooledTable } from "./table.ts";

/** What is missing on the server before any table can be put under the wall. */
export async function serverFaults(query: Tx["query"], names: PoolNames): Promise<Fault[]> {
  return query<Fault>(
    `select missing as at, 'is missing: this database is not prepared for tenants of this deployment' as message
     from (select g from unnest(array[$1, $2]) g where not exists (select from pg_roles where rolname = g)
           union all select $3 || '.tenant()' where to_regprocedure($3 || '.tenant()') is null) as x(missing) order by 1`,
    [names.tenants, names.readers, names.schema],
  );
}

/** The vendor's roles that no policy would bind, or that tenants can act as. */
export async function vendorFaults(query: Tx["query"], names: PoolNames, vendors: readonly string[]): Promise<Fault[]> {
  return query<Fault>(
    `select quote_ident(v) as at, case when octet_length(v) > 63
         then format('is a name of %s bytes, and PostgreSQL cuts names at 63 bytes: %s', octet_length(v),
           case when exists (select from pg_roles where rolname = v::name) then format('the role is called %I', v::name)
                else 'there is no such role' end)
       when r.oid is null then 'there is no such role'
       when r.rolsuper or r.rolbypassrls then 'is bound by no policy: let the product connect as an ordinary role'
       else 'is a role of tenants, who would be let in as the vendor' end as message
     from unnest($1::text[]) v left join pg_roles r on r.rolname = v
     where r.oid is null or r.rolsuper or r.rolbypassrls or r.oid = any($2::oid[])`,
    [vendors, await rolesOfTenants(query, names.environment)],
  );
}

/** What the wall would not cover, or what we may not change. */
export async function tableFaults(query: Tx["query"], table: PooledTable, names: PoolNames): Promise<Fault[]> {
  const ours = [names.wall, names.tenants, names.readers, names.vendor];
  const relations = [table, ...table.partitions];
  const strangers = relations.flatMap(({ name, policies }) =>
    policies
      .filter((policy) => policy.permissive && !ours.includes(policy.name))
      .map((policy) => ({
        at: `${policy.name} on ${name}`,
        message:
          "is a permissive policy of its own, which would let in more than ours do: drop it, or make it restrictive",
      })),
  );
  const { columnDefault } = table;
  const strangeDefault =
    columnDefault === null || columnDefault.includes(`${names.schema}.tenant()`)
      ? []
      : [
          {
            at: `${table.name}.${table.columnName}`,
            message: `has the default ${columnDefault}: drop it, ours tells tenants by their login`,
          },
        ];
  const kept = await query<Fault>(
    `select c.oid::regclass::text as at, format(
        'belongs to %I, and the login of TENANT_DATABASE_URL, %I, may not change it: grant %I to %I',
        pg_get_userbyid(c.relowner), current_user, pg_get_userbyid(c.relowner), current_user) as message
     from pg_class c where c.oid = any($1::oid[]) and not pg_has_role(c.relowner, 'usage')
       -- Of other owners is said that they must not be.
       and not (select rolsuper or rolbypassrls from pg_roles where oid = c.relowner) and c.relowner <> all($2::oid[])`,
    [relations.map(({ oid }) => oid), await rolesOfTenants(query, names.environment)],
  );
  return [...strangers, ...strangeDefault, ...kept];
}

/** A role of the vendor's that the policy is for. */
export interface Vendor {
  /** Quoted. */
  readonly name: string;
  /** Whether it may call `tenant()`: every policy does, with the rights of whoever reads. */
  readonly mayAsk: boolean;
}

export function vendorsOf(
  query: Tx["query"],
  named: readonly string[],
  { oid }: PooledTable,
  { schema }: PoolNames,
): Promise<Vendor[]> {
  return query<Vendor>(
    `select quote_ident(rolname) as name, has_function_privilege(oid, $3 || '.tenant()', 'execute') as "mayAsk" from pg_roles
     where rolname = any($1) or ($1 = '{}' and oid = (select relowner from pg_class where oid = $2)) order by rolname`,
    [named, oid, schema],
  );
}
