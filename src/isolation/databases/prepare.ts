import { setTimeout as sleep } from "node:timers/promises";
import { closeSharedFunctions } from "../../db/shared-database.ts";
import { type EnvironmentNames, ID_LENGTH, SUFFIX_LENGTH } from "./names.ts";
import { literal, quoted, type Session, together } from "./session.ts";

/** What the administrator of the tenants' server is able to do. */
export interface Server {
  readonly version: number;
  readonly superuser: boolean;
  readonly admin: string;
  /** The shared database is its own: what PUBLIC may do there can be taken back. */
  readonly ownsShared: boolean;
  /** It sees and may end the sessions of every login. */
  readonly watches: boolean;
}

const TRIES = 5;

/**
 * Makes the shared database ready for tenants: groups, the schema of our functions, and nothing left that PUBLIC may do.
 * The second time nothing changes. Several at once get in each other's way and try again.
 */
export async function prepareServer(session: Session, names: EnvironmentNames, shared: string): Promise<Server> {
  const server = await describeServer(session);
  await whileColliding(() => together(session, preparation(server, names, shared)));
  return server;
}

/** Tries again when somebody else makes the same thing at the same time. */
export async function whileColliding(work: () => Promise<void>): Promise<void> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await work();
    } catch (fault) {
      if (tried === TRIES || !isCollision(fault)) throw fault;
      await sleep(50 * tried * Math.random());
    }
  }
}

export async function describeServer(session: Session): Promise<Server> {
  const [row] = await session.run<Server>(
    `select current_setting('server_version_num')::integer as version, r.rolsuper as superuser, r.rolname as admin,
       r.rolsuper or pg_has_role(d.datdba, 'usage') as "ownsShared",
       r.rolsuper or (pg_has_role('pg_signal_backend', 'usage') and pg_has_role('pg_read_all_stats', 'usage')) as watches
     from pg_roles r, pg_database d where r.rolname = current_user and d.datname = current_database()`,
  );
  if (row === undefined) throw new Error("The tenants' server does not know its own administrator.");
  return row;
}

/** Two that write the same row of a catalogue, or make the same thing. */
function isCollision(fault: unknown): boolean {
  const { code, message } = Object(fault) as { code?: string; message?: string };
  return ["23505", "42710", "42P06"].includes(code ?? "") || (code === "XX000" && /concurrently/.test(message ?? ""));
}

function preparation(server: Server, names: EnvironmentNames, shared: string): readonly string[] {
  const { connect, tenants, tenantsRead, schema } = names;
  return [
    ...[connect, tenants, tenantsRead].map((name) => createRole(name, "nologin")),
    `grant ${connect} to ${tenants}, ${tenantsRead}`,
    `create schema if not exists ${schema}`,
    `grant usage on schema ${schema} to ${connect}`,
    tenantFunction(names),
    `grant connect on database ${quoted(shared)} to ${connect}`,
    ...(server.ownsShared ? closing(shared) : []),
    ...(server.superuser ? [closeSharedFunctions] : []),
  ];
}

/** Unless it is there. */
export const createRole = (name: string, attributes: string): string =>
  `do $$ begin
     if not exists (select from pg_catalog.pg_roles where rolname = ${literal(name)}) then
       create role ${name} ${attributes};
     end if;
   end $$`;

/** Names that are left out here are refused: who should get in is granted it by name. */
const closing = (shared: string): readonly string[] => [
  `revoke all on database ${quoted(shared)} from public`,
  "revoke all on schema public from public",
];

/**
 * The tenant whose login this session is: `<environment>_<26>_<6>`. `session_user` stays what it was at the start of the
 * session, whatever role is taken meanwhile. The collation of names is "C": a policy that compared with it could use no
 * ordinary index. Every policy asks several times a statement, hence no regular expression, which costs twenty times as much.
 */
function tenantFunction({ schema, environment }: EnvironmentNames): string {
  const prefix = `${environment}_`;
  const length = prefix.length + ID_LENGTH + 1 + SUFFIX_LENGTH;
  return `create or replace function ${schema}.tenant() returns text language sql stable parallel safe
    return case when pg_catalog.length(session_user::text) = ${length}
                 and pg_catalog.starts_with(session_user::text, ${literal(prefix)})
                 and pg_catalog.substr(session_user::text, ${prefix.length + ID_LENGTH + 1}, 1) = '_'
           then pg_catalog.substr(session_user::text collate "default", ${prefix.length + 1}, ${ID_LENGTH}) end`;
}
