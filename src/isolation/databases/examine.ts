import { environmentNames, type Model } from "./names.ts";
import { openDoors } from "./openness.ts";
import { describeServer, type Server } from "./prepare.ts";
import { literal, sessionsOn, within } from "./session.ts";

/** The tenants' server as somebody finds it who changes nothing there. */
export interface ExaminedServer extends Server {
  readonly mayMakeRoles: boolean;
  readonly mayMakeDatabases: boolean;
  /** A service of this environment has made the shared database ready. */
  readonly isReady: boolean;
  /** What it leaves open to tenants, in words; nothing is said before it is ready. */
  readonly open: readonly string[];
}

/** Looks, and makes nothing. Throws what PostgreSQL or the network says where there is no way in. */
export async function examineServer(url: string, environment: string): Promise<ExaminedServer> {
  const { open, shared, close } = sessionsOn(url);
  const names = environmentNames(environment);
  try {
    return await within(open, undefined, async (session) => {
      const server = await describeServer(session);
      const [row] = await session.run<Pick<ExaminedServer, "mayMakeRoles" | "mayMakeDatabases" | "isReady">>(
        `select rolsuper or rolcreaterole as "mayMakeRoles", rolsuper or rolcreatedb as "mayMakeDatabases",
           exists (select from pg_namespace where nspname = ${literal(names.schema)}) as "isReady"
         from pg_roles where rolname = current_user`,
      );
      const found = row ?? { mayMakeRoles: false, mayMakeDatabases: false, isReady: false };
      return { ...server, ...found, open: found.isReady ? await openDoors(session, server, names, shared) : [] };
    });
  } finally {
    await close();
  }
}

/** What its administrator lacks to make tenants of these models, in words. */
export function missingRights(server: ExaminedServer, models: readonly Model[]): readonly string[] {
  return [
    ...(server.mayMakeRoles ? [] : [`alter role ${server.admin} createrole`]),
    ...(server.mayMakeDatabases || !models.includes("silo") ? [] : [`alter role ${server.admin} createdb`]),
  ];
}
