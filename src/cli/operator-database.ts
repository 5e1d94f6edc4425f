import { userInfo } from "node:os";
import type { Settings } from "../config.ts";
import { connect } from "../db/db.ts";
import { runningEmbedded } from "../db/embedded/running.ts";
import { ProviderError } from "../errors.ts";
import { isolate, type OperatorStore, type Store, servingRole } from "../isolation/isolation.ts";

/** Who runs this command, as the audit names them. */
export const thisOperator = (): `operator:${string}` => `operator:${userInfo().username}`;

/** Runs a command's work across tenants; the audit says who did, and with which command. */
export function asOperator<T>(
  settings: Settings,
  reason: string,
  work: (store: OperatorStore) => Promise<T>,
): Promise<T> {
  return withStore(settings, (store) => work(store.asOperator({ by: thisOperator(), reason, at: new Date() })));
}

/** Runs a command's work on the service's database, or on the embedded one that a running `serve` has started. */
export async function withStore<T>(settings: Settings, work: (store: Store) => Promise<T>): Promise<T> {
  const url = settings.databaseUrl ?? (await runningEmbedded(settings.dataDir))?.appUrl;
  if (url === undefined) {
    throw new ProviderError("config_invalid", "There is no database to ask.", {
      faults: [{ at: "DATABASE_URL", message: "is missing, and no `stallholder serve` runs with this DATA_DIR" }],
    });
  }
  const database = connect({ url, connections: 1 });
  try {
    const { role } = await servingRole(database);
    return await work(isolate(database, { role }));
  } finally {
    await database.close();
  }
}
