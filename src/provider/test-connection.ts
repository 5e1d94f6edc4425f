import { connect } from "../db/db.ts";
import { ProviderError } from "../errors.ts";
import { configVarsOf } from "./config-vars.ts";
import type { ConnectionTried, TenantCommand } from "./contract.ts";
import type { Deps } from "./deps.ts";
import { idOf } from "./ref.ts";
import { within } from "./within.ts";

const LIMIT_MS = 3_000;

/** Opens the database as the customer does, and asks it one thing. What it says goes to nobody: it may name the server. */
export async function testConnection(deps: Deps, { ref }: TenantCommand, name: string): Promise<ConnectionTried> {
  const declared = deps.declarations.some((one) => one.kind === "postgres" && one.name === name);
  const url = declared ? (await configVarsOf(deps, await idOf(deps, ref)))[name] : undefined;
  if (url === undefined) throw new ProviderError("request_malformed", "There is no such connection to test.");
  const database = connect({ url, connections: 1, statementMs: LIMIT_MS - 1_000 });
  const started = performance.now();
  try {
    await within(LIMIT_MS, () => database.run({ text: "select 1" }));
    return { works: true, milliseconds: Math.round(performance.now() - started) };
  } catch {
    return { works: false };
  } finally {
    void database.close().catch(() => undefined);
  }
}
