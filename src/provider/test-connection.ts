import { ProviderError } from "../errors.ts";
import { configVarsOf } from "./config-vars.ts";
import type { ConnectionTried, TenantCommand } from "./contract.ts";
import type { Deps } from "./deps.ts";
import { openLogin } from "./open-login.ts";
import { idOf } from "./ref.ts";

/** Opens the database as the customer does, and asks it one thing. */
export async function testConnection(deps: Deps, { ref }: TenantCommand, name: string): Promise<ConnectionTried> {
  const declared = deps.declarations.some((one) => one.kind === "postgres" && one.name === name);
  const url = declared ? (await configVarsOf(deps, await idOf(deps, ref)))[name] : undefined;
  if (url === undefined) throw new ProviderError("request_malformed", "There is no such connection to test.");
  const tried = await openLogin(url);
  return tried.opens ? { works: true, milliseconds: tried.milliseconds } : { works: false };
}
