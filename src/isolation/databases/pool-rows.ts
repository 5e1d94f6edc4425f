import { randomBytes } from "node:crypto";
import { mintLogin } from "./names.ts";
import { scramVerifier } from "./scram.ts";
import { literal, type Session, together } from "./session.ts";
import { asMaker, type Site } from "./site.ts";

const BATCH = 5_000;

interface Table {
  /** With its schema, quoted. */
  readonly name: string;
  /** The tenant column, as the wall compares it. */
  readonly column: string;
}

/**
 * Deletes a pooled tenant's rows from the vendor's tables, as the tenant: by a login made for it, behind the same wall as
 * the customer's, and by the wall's own column: no row of another is touched, whatever else is granted. That login ends
 * with the tenant. In batches: what is deleted stays deleted when the time is over.
 */
export async function deletePooledRows(site: Site, there: readonly string[]): Promise<void> {
  const { session, names, environment } = site;
  if (!there.includes(names.owner)) return;
  const tables = await walledTables(site);
  if (tables.length === 0) return;
  const login = mintLogin(environment.environment, names.tenant);
  const password = randomBytes(32).toString("base64url");
  const made = [
    `create role ${login} login inherit connection limit 1 password ${literal(await scramVerifier(password))}`,
    `grant ${names.owner} to ${login}`,
  ];
  await together(session, asMaker(site, made));
  const inside = await site.openAs(login, password);
  try {
    await deleteAll(inside, tables, literal(names.tenant));
  } finally {
    await inside.close();
  }
}

/** Tables that `isolate pool` has put under the wall: its expression begins with the column that holds the tenant. */
function walledTables({ session, names, environment }: Site): Promise<Table[]> {
  return session.run<Table>(
    `select name, "column" from (
       select format('%I.%I', n.nspname, c.relname) as name,
         substring(pg_get_expr(p.polqual, p.polrelid) from $3) as "column"
       from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
       where not p.polpermissive and p.polcmd = '*' and c.relrowsecurity and c.relkind in ('r', 'p') and not c.relispartition
         and has_table_privilege($1, c.oid, 'delete') and pg_has_role($1, $2, 'usage')) walled
     where "column" is not null`,
    [names.owner, environment.tenants, `^\\((.+) = \\( SELECT COALESCE\\(${environment.schema}\\.tenant\\(\\),`],
  );
}

/** Rows that others refer to go after those: what cannot be deleted yet is tried again, while anything gets less. */
async function deleteAll(session: Session, tables: readonly Table[], tenant: string): Promise<void> {
  for (let left = tables; left.length > 0; ) {
    const stuck: Table[] = [];
    let fault: unknown;
    for (const table of left) {
      await deleteFrom(session, table, tenant).catch((thrown: unknown) => {
        if (!isReferredTo(thrown)) throw thrown;
        fault = thrown;
        stuck.push(table);
      });
    }
    if (stuck.length === left.length) throw fault;
    left = stuck;
  }
}

const isReferredTo = (thrown: unknown): boolean => Object(thrown).code === "23503";

async function deleteFrom(session: Session, { name, column }: Table, tenant: string): Promise<void> {
  const some = `select tableoid, ctid from ${name} where ${column} = ${tenant} limit ${BATCH}`;
  for (;;) {
    const deleted = await session.run(`delete from ${name} where (tableoid, ctid) in (${some}) returning 1`);
    if (deleted.length < BATCH) return;
  }
}
