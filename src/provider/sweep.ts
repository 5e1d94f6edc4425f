import { sweepSignIns } from "../sso/sso.ts";
import type { Deps } from "./deps.ts";

/** What time ends: retiring credentials, sessions, used sign-in tokens. */
export async function sweep(deps: Deps): Promise<void> {
  const now = deps.clock.now();
  await deps.store.throughDoor({ text: "select retire_credentials($1)", values: [now] });
  await sweepSignIns(deps.store, now);
}
