import { connect } from "../db/db.ts";
import { within } from "./within.ts";

const LIMIT_MS = 3_000;

/** What became of it. What the server said goes to nobody: it may name the server. `code` is its SQLSTATE, or the system's. */
export type Opened =
  | { readonly opens: true; readonly milliseconds: number }
  | { readonly opens: false; readonly code: string | undefined };

/** Opens a database as the customer does, over one connection, asks it one thing, and closes it. Three seconds at most. */
export async function openLogin(url: string): Promise<Opened> {
  const started = performance.now();
  const database = connect({ url, connections: 1, connectMs: LIMIT_MS, statementMs: LIMIT_MS - 1_000 });
  try {
    await within(LIMIT_MS, () => database.run({ text: "select 1" }));
    return { opens: true, milliseconds: Math.round(performance.now() - started) };
  } catch (fault) {
    return { opens: false, code: codeOf(fault) };
  } finally {
    await within(LIMIT_MS, () => database.close()).catch(() => undefined);
  }
}

function codeOf(fault: unknown): string | undefined {
  const { code, cause } = Object(fault) as { readonly code?: unknown; readonly cause?: unknown };
  if (cause !== undefined) return codeOf(cause);
  return typeof code === "string" ? code : undefined;
}
