import type { Database, Statement, Tx } from "../db/db.ts";
import { ProviderError } from "../errors.ts";

/** A tenant's id: 130 random bits in characters that S3, DynamoDB, index, schema and role names all allow. */
const TENANT_ID = /^[a-z][a-z2-7]{25}$/;

export function isTenantId(text: string): boolean {
  return TENANT_ID.test(text);
}

/**
 * The database as the serving role sees it: one tenant at a time, or through a door.
 * There is no third way in: a capability gets this, never a pool.
 */
export interface Store {
  /** `work` sees and writes the rows of `tenant` only; anything else is refused by row level security. */
  asTenant<T>(tenant: string, work: (tx: Tx) => Promise<T>): Promise<T>;
  /** One statement outside any tenant: a call of a door function (migrations/0006_doors.sql and later). */
  throughDoor<Row extends object>(statement: Statement): Promise<Row[]>;
  /** The one way for a person to look across tenants. */
  asOperator(operator: Operator): OperatorStore;
}

/** Who crosses the boundary between tenants, and what for. */
export interface Operator {
  readonly by: `operator:${string}`;
  readonly reason: string;
  readonly at: Date;
}

/**
 * The same database for an operator, who may enter any tenant and call what looks across all. Each tenant's audit, or the
 * operators' own, says so before anything is read; what cannot be written there is not done.
 */
export interface OperatorStore extends Store {
  readonly operator: Operator;
}

export interface IsolationOptions {
  /** The role each transaction takes; null when the login is that role already, or when there is no such role. */
  readonly role: string | null;
}

export function isolate(database: Database, { role }: IsolationOptions): Store {
  const takeRole = role === null ? "" : `set local role ${role}; `;
  const store: Store = {
    asTenant: (tenant, work) => {
      // The id goes into SQL text (one message instead of three), so its grammar is the guard.
      if (!isTenantId(tenant)) {
        return Promise.reject(new ProviderError("tenant_not_found", "There is no such tenant."));
      }
      return database.transaction(`${takeRole}select set_config('app.tenant_id', '${tenant}', true)`, work);
    },
    // A door runs as its owner whoever calls it, so a single call needs no role and no transaction frame.
    throughDoor: (statement) => database.run(statement),
    asOperator: (operator) => crossing(store, operator),
  };
  return store;
}

function crossing(store: Store, operator: Operator): OperatorStore {
  const told = new Set<string>();
  const { by, reason, at } = operator;
  /** Once for each tenant and each door. */
  const tell = async (what: string, write: () => Promise<unknown>): Promise<void> => {
    if (told.has(what)) return;
    await write();
    told.add(what);
  };
  return {
    operator,
    asTenant: async (tenant, work) => {
      await tell(tenant, () =>
        store.asTenant(tenant, (tx) =>
          tx.query(`select append_audit(id, $2, $3, $4, $4, $5) from tenants where id = $1`, [
            ...[tenant, CROSSED, by, at],
            JSON.stringify({ reason }),
          ]),
        ),
      );
      return store.asTenant(tenant, work);
    },
    throughDoor: async (statement) => {
      const door = /\b\w+(?=\()/.exec(statement.text)?.[0] ?? statement.text;
      await tell(door, () =>
        store.throughDoor({
          text: "select append_audit('operator', $1, $2, $3, $3, $4)",
          values: [CROSSED, by, at, JSON.stringify({ reason, door })],
        }),
      );
      return store.throughDoor(statement);
    },
    asOperator: (other) => crossing(store, other),
  };
}

const CROSSED = "operator.crossed";

export interface ServingRole {
  readonly role: string | null;
  /** What an operator should know: the login could go round row level security. */
  readonly warning: string | null;
}

/**
 * How this login serves: as stallholder_app itself, by taking that role, or, where there is none, as the owner under
 * FORCE. A role that only an administrator may hand on is not taken (PostgreSQL 16 and later tell these apart).
 */
export async function servingRole(database: Database): Promise<ServingRole> {
  const [row] = await database.run<{ login: string; role: string; wild: boolean }>({
    text: `select current_user as login, r.rolname as role, r.rolsuper or r.rolbypassrls as wild from pg_roles r
           where r.rolname = current_user or (r.rolname = 'stallholder_app' and pg_has_role(current_user, r.oid,
             case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end))
           order by r.rolname = 'stallholder_app' desc limit 1`,
  });
  if (row === undefined) throw new Error("The login has no role.");
  const { login, role, wild } = row;
  return { role: role === login ? null : role, warning: warningOf(role, wild) };
}

function warningOf(role: string, wild: boolean): string | null {
  if (wild) return `the role ${role} bypasses row level security: nothing but our own care keeps tenants apart`;
  if (role === "stallholder_app") return null;
  return `the login ${role} cannot take the role stallholder_app: it serves as owner under FORCE ROW LEVEL SECURITY`;
}
