import type { Tx } from "../../db/db.ts";
import { ProviderError } from "../../errors.ts";
import type { Progress } from "../copy/copy.ts";
import type { Aim, DatabasesOptions, Happening } from "./contract.ts";
import { type ExaminedServer, examineServer, missingRights } from "./examine.ts";
import { type ListedDatabase, listDatabases } from "./listing.ts";
import { measureStorage } from "./measure.ts";
import { beginMove, startDueMoves } from "./moving/moving.ts";
import { type RestoreInto, restoreInto } from "./moving/restore-into.ts";
import { findMove, type Move } from "./moving/rows.ts";
import { environmentNames, type Model, mintLogin, rolePattern, SCHEMA_OF_TENANT, tenantNames } from "./names.ts";
import { openDoors } from "./openness.ts";
import { prepareServer, type Server } from "./prepare.ts";
import { compare, type Discrepancy } from "./reconcile.ts";
import { type Repair, repair } from "./repair.ts";
import { findDatabase, reopenDatabase } from "./rows.ts";
import { type OpenAs, sessionsOn, within } from "./session.ts";
import { settleDatabase } from "./settlement.ts";
import type { Surroundings } from "./site.ts";
import { watchSessions } from "./watch.ts";

export type { Aim, Discrepancy, ExaminedServer, Happening, ListedDatabase, Model, Move, Progress };
export { environmentNames, examineServer, missingRights, rolePattern, SCHEMA_OF_TENANT };

/** The databases of tenants, on a server of their own. */
export interface Databases {
  /** The name of a login that nobody has yet. */
  mintLogin(tenant: string): string;
  /** `host:port/database` of this transaction's tenant; of `model` while nothing is made yet. */
  addressOf(tx: Tx, tenant: string, model: Model): Promise<string>;
  /**
   * Makes the server follow our rows. Resolves when it does; `unavailable` when the server is away or full, or while
   * somebody else settles the same tenant: what was done stays done, and a worker goes on.
   */
  settle(tenant: string): Promise<void>;
  /** Starts what is due, at most `limit`: a promise for the end of each. A fault is written down and tried again. */
  settleDue(limit: number): Promise<readonly Promise<void>[]>;
  /** Opens kept data of this transaction's tenant until then; false where none are kept. To be settled afterwards. */
  reopen(tx: Tx, until: Date): Promise<boolean>;
  /** Holds sessions to their plan's limits, and measures storage; some of it, each time. */
  watch(): Promise<void>;
  /** Begins to move the tenant's data, whatever the plan says; answers the move's id. */
  move(tenant: string, to: Model, by: string): Promise<string>;
  /** How far a move is. */
  findMove(tenant: string, id: string): Promise<Move | undefined>;
  /** Copies what is kept of one tenant into another that is empty; `request_conflict` where that cannot be. */
  restoreInto(asked: RestoreInto): Promise<void>;
  /** Starts moves that are due, at most `limit`: a promise for the end of each. A fault is written down and tried again. */
  moveDue(limit: number): Promise<readonly Promise<void>[]>;
  /** What lies on the server for no tenant, and what a tenant lacks. `gives`: purchases come with a login. */
  check(gives: boolean): Promise<readonly Discrepancy[]>;
  /** What the server leaves open to tenants that we cannot close, in words. */
  openness(): Promise<readonly string[]>;
  /** Mends of that what is safe, and says what is left. */
  repair(gives: boolean): Promise<Repair>;
  /** Every tenant that has, had or should have something on the server. */
  list(): AsyncGenerator<ListedDatabase>;
  close(): Promise<void>;
}

export function createDatabases(options: DatabasesOptions): Databases {
  const { store, clock } = options;
  const names = environmentNames(options.environment);
  const sessions = sessionsOn(options.url);
  const open = options.through?.(sessions.open) ?? sessions.open;
  const openAs: OpenAs = (login, password) => {
    const opened = () => sessions.openAs(login, password);
    return (options.through?.(opened) ?? opened)();
  };
  const { shared } = sessions;
  const hostAndPort = options.address ?? addressIn(options.url);

  let prepared: Promise<Server> | undefined;
  const surroundings = async (): Promise<Surroundings> => {
    prepared ??= within(open, undefined, (session) => prepareServer(session, names, shared));
    try {
      return { server: await prepared, environment: names, shared, open, openAs };
    } catch (fault) {
      prepared = undefined;
      throw fault;
    }
  };
  const settle = (tenant: string): Promise<void> => settleDatabase({ ...options, surroundings }, tenant);

  const moving = { ...options, surroundings, settle };

  return {
    mintLogin: (tenant) => mintLogin(options.environment, tenant),
    addressOf: async (tx, tenant, model) => {
      const inForce = (await findDatabase(tx))?.model ?? model;
      const database = inForce === "silo" ? tenantNames(options.environment, tenant).database : shared;
      return `${hostAndPort}/${database}`;
    },
    settle,
    settleDue: async (limit) => {
      const due = await store.throughDoor<{ tenant: string }>({
        text: "select due_databases($1, $2) as tenant",
        values: [clock.now(), limit],
      });
      return due.map(({ tenant }) => settle(tenant).catch(ignoreUnavailable));
    },
    reopen: (tx, until) => reopenDatabase(tx, until, clock.now()),
    watch: async () => {
      await watchSessions({ store, surroundings, sees: options.sees });
      await measureStorage({ ...options, surroundings });
    },
    move: (tenant, to, by) => beginMove(moving, tenant, to, by),
    findMove: (tenant, id) => store.asTenant(tenant, (tx) => findMove(tx, id)),
    restoreInto: (asked) => restoreInto(moving, asked),
    moveDue: (limit) => startDueMoves(moving, limit),
    check: (gives) => compare({ store, surroundings }, gives),
    openness: async () => {
      const { server } = await surroundings();
      return within(open, undefined, (session) => openDoors(session, server, names, shared));
    },
    repair: (gives) => repair({ store, surroundings, settle }, gives),
    list: () => listDatabases(store),
    close: sessions.close,
  };
}

/** Makes the shared database ready for tenants of this environment. The second time nothing changes. */
export async function prepareShared(url: string, environment: string): Promise<void> {
  const { open, shared, close } = sessionsOn(url);
  try {
    await within(open, undefined, (session) => prepareServer(session, environmentNames(environment), shared));
  } finally {
    await close();
  }
}

/** It is written down with the row, and due again. */
function ignoreUnavailable(fault: unknown): void {
  if (!(fault instanceof ProviderError && fault.code === "unavailable")) throw fault;
}

const DEFAULT_PORT = "5432";

function addressIn(url: string): string {
  const { hostname, port } = new URL(url);
  return `${hostname}:${port || DEFAULT_PORT}`;
}
