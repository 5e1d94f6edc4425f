import { environmentNames, rolePattern, SCHEMA_OF_TENANT } from "../databases/databases.ts";
import { type Kind, type LintFinding, lint, type Query, type TenantTable } from "./lint.ts";

const SERVING_ROLES = ["stallholder_app", "usage_writer"];

/**
 * Rules that our own database answers in its own way: a test holds the list of doors and of tables without tenants, and
 * what has no tenant yet is seen by doors alone.
 */
const NOT_OF_CONTROL = ["definer-function", "shared-writes", "public-usage", "column-nullable"];

/** Unique over all tenants because their values are random, or given by one marketplace. */
const CONTROL_UNIQUE = [
  "aws_connections_pkey",
  "aws_licences_pkey",
  "credentials_key",
  "resource_ids_pkey",
  "sessions_pkey",
  "tenants_marketplace_resource_id_key",
  "tenants_pkey",
];

/** What is wrong in the catalogue of our own database. */
export async function lintControl(query: Query): Promise<readonly LintFinding[]> {
  const tables = await query<TenantTable>(
    `select distinct on (c.oid) c.oid, a.attnum as "column" from pg_class c
     join pg_attribute a on a.attrelid = c.oid and not a.attisdropped
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
       and (a.attname = case c.relname when 'tenants' then 'id' else 'tenant_id' end
         -- The column that a policy reads is written down as a dependency of it.
         or exists (select from pg_policy p join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid
                    where p.polrelid = c.oid and p.polname = 'tenant' and d.refclassid = 'pg_class'::regclass
                      and d.refobjid = c.oid and d.refobjsubid = a.attnum))`,
  );
  const roles = await reachOf(query, "rolname = any($1)", SERVING_ROLES);
  return lint(query, { tables, roles, excused: CONTROL_UNIQUE }, { except: NOT_OF_CONTROL });
}

/** Every role that a tenant of this deployment logs in as or is a member of, and PUBLIC. */
export function rolesOfTenants(query: Query, environment: string): Promise<readonly number[]> {
  const { connect, tenants, tenantsRead } = environmentNames(environment);
  return reachOf(query, "rolname = any($1) or rolname ~ $2", [connect, tenants, tenantsRead], rolePattern(environment));
}

async function reachOf(query: Query, condition: string, ...values: readonly unknown[]): Promise<readonly number[]> {
  const rows = await query<{ oid: number }>(
    `with recursive reach(oid) as (
       select oid from pg_roles where ${condition}
       union select m.roleid from reach join pg_auth_members m on m.member = reach.oid)
     select oid from reach union all select 0`,
    values,
  );
  return rows.map(({ oid }) => oid);
}

/** The schemas of single tenants, of whatever deployment. */
async function schemasOfTenants(query: Query): Promise<readonly number[]> {
  const rows = await query<{ oid: number }>("select oid from pg_namespace where nspname ~ $1", [SCHEMA_OF_TENANT]);
  return rows.map(({ oid }) => oid);
}

/** What is wrong in the tenants' database: with these tables, or with all else. */
export async function lintAmongTenants(
  query: Query,
  { environment, tables, excused, kinds, except }: TenantsLint,
): Promise<readonly LintFinding[]> {
  const scope = {
    tables,
    roles: await rolesOfTenants(query, environment),
    foreignSchemas: await schemasOfTenants(query),
    excused,
  };
  return lint(query, scope, { kinds, except });
}

export interface TenantsLint {
  readonly environment: string;
  readonly tables: readonly TenantTable[];
  readonly excused: readonly string[];
  readonly kinds: readonly Kind[];
  readonly except: readonly string[];
}
