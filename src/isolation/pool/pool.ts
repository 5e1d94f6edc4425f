import { connect, type Database } from "../../db/db.ts";
import type { Fault } from "../../errors.ts";
import { prepareShared } from "../databases/databases.ts";
import { checkPool } from "./check.ts";
import { type PoolPlan, type PoolRequest, planPool } from "./plan.ts";

/** An index on a large table takes its time. */
const STATEMENT_MS = 600_000;

/**
 * Puts a table of the vendor under the wall: each tenant's login sees and writes its own rows and no others, whatever it
 * sets. In one transaction: either all of it, or nothing and every reason at once. The second call finds nothing to do.
 */
export function isolateTable(database: Database, request: PoolRequest, dryRun: boolean): Promise<PoolPlan> {
  return database.transaction("set local lock_timeout = '5s'", async (tx) => {
    const plan = await planPool(tx.query, request);
    if (plan.faults.length === 0 && !dryRun) for (const statement of plan.statements) await tx.query(statement);
    return plan;
  });
}

/** Everything in the tenants' database that would let one tenant see, feel or touch another; empty when nothing would. */
export function checkTables(database: Database, environment: string): Promise<readonly Fault[]> {
  return database.transaction("set transaction read only", (tx) => checkPool(tx.query, environment));
}

/** Runs `work` on the tenants' database, which is made ready for tenants first unless nothing is to change. */
export async function onTenantsDatabase<T>(
  url: string,
  prepare: string | undefined,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  if (prepare !== undefined) await prepareShared(url, prepare);
  const database = connect({ url, connections: 1, statementMs: STATEMENT_MS });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}
