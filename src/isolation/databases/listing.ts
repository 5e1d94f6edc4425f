import type { Store } from "../isolation.ts";
import { type Move, type MoveJson, moveFromJson } from "./moving/rows.ts";
import { type EnvironmentNames, type Model, readName } from "./names.ts";
import type { DatabaseState } from "./rows.ts";
import { literal, type Session } from "./session.ts";

/** One of the things that are made for tenants. */
export interface Thing {
  readonly is: "owner" | "reader" | "login" | "schema" | "database";
  readonly name: string;
  readonly tenant: string;
}

/** What our own database knows of a tenant's. */
export interface ListedDatabase {
  readonly tenant: string;
  readonly marketplace: string;
  readonly tenantState: string;
  readonly plan: string;
  /** Absent while nothing was ever begun. */
  readonly model: Model | undefined;
  readonly wanted: Model | undefined;
  readonly state: DatabaseState | undefined;
  readonly keptUntil: Date | undefined;
  readonly bytes: number | undefined;
  readonly over: "soft" | "hard" | undefined;
  readonly fault: string | undefined;
  readonly attempts: number;
  /** The server follows what was asked for. */
  readonly isSettled: boolean;
  /** Those that are not revoked. */
  readonly logins: readonly string[];
  /** Those that have not ended, and the last one if it failed. */
  readonly moves: readonly Move[];
}

interface ListedJson {
  readonly tenant: string;
  readonly marketplace: string;
  readonly tenant_state: string;
  readonly plan: string;
  readonly logins: readonly string[];
  readonly moves: readonly MoveJson[];
  readonly row: {
    readonly model: Model;
    readonly wanted: Model;
    readonly state: DatabaseState;
    readonly kept_until: string | null;
    readonly bytes: number | null;
    readonly over: "soft" | "hard" | null;
    readonly fault: string | null;
    readonly attempts: number;
    readonly asked: number;
    readonly settled: number;
  } | null;
}

const PAGE = 500;

/** Every tenant that has, had or should have something on the server, in the order of their ids. */
export async function* listDatabases(store: Store): AsyncGenerator<ListedDatabase> {
  for (let after: string | null = null; ; ) {
    const rows: { list_databases: ListedJson }[] = await store.throughDoor({
      text: "select list_databases($1, $2)",
      values: [after, PAGE],
    });
    yield* rows.map((row) => listedFromJson(row.list_databases));
    after = rows.at(-1)?.list_databases.tenant ?? null;
    if (rows.length < PAGE) return;
  }
}

function listedFromJson({ tenant, marketplace, tenant_state, plan, logins, moves, row }: ListedJson): ListedDatabase {
  return {
    tenant,
    marketplace,
    tenantState: tenant_state,
    plan,
    logins,
    moves: moves.map(moveFromJson),
    model: row?.model,
    wanted: row?.wanted,
    state: row?.state,
    keptUntil: row?.kept_until == null ? undefined : new Date(row.kept_until),
    bytes: row?.bytes ?? undefined,
    over: row?.over ?? undefined,
    fault: row?.fault ?? undefined,
    attempts: row?.attempts ?? 0,
    isSettled: row !== null && row.settled === row.asked,
  };
}

/** Everything of this environment that lies on the server and is made for some tenant. */
export async function thingsThere(session: Session, { environment }: EnvironmentNames): Promise<readonly Thing[]> {
  const mine = `starts_with(name, ${literal(`${environment}_`)})`;
  const rows = await session.run<{ kind: "role" | "schema" | "database"; name: string }>(
    `select 'role' as kind, name from (select rolname::text as name from pg_roles) r where ${mine}
     union all select 'schema', name from (select nspname::text as name from pg_namespace) n where ${mine}
     union all select 'database', name from (select datname::text as name from pg_database) d where ${mine}`,
  );
  return rows.flatMap<Thing>(({ kind, name }) => {
    const read = readName(environment, name);
    if (read === undefined) return [];
    if (kind !== "role") return [{ is: kind, name, tenant: read.tenant }];
    return read.is === "place" ? [] : [{ is: read.is, name, tenant: read.tenant }];
  });
}
