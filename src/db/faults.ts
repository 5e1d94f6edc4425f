import { ProviderError } from "../errors.ts";

const LOST_CONNECTION = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "25P03",
  "57P01",
  "57P02",
  "57P03",
]);
/** How pg words it where there is no code. */
const LOST_WORDS = /connection (terminated|ended)|not queryable|timeout expired|timeout exceeded|query read timeout/i;
const RUN_AGAIN = new Set(["40001", "40P01"]);
/**
 * For a while: out of resources (disk full, too many connections, out of memory) or over a limit, read-only, a lock or
 * a statement that took too long.
 */
const BRIEF = /^53|^54|^25006$|^55P03$|^57014$/;

function codeOf(fault: unknown): string {
  return typeof fault === "object" && fault !== null && "code" in fault ? String(fault.code) : "";
}

/** A serialisation failure or a deadlock: the whole transaction may be run again. */
export function mayRunAgain(fault: unknown): boolean {
  return RUN_AGAIN.has(codeOf(fault));
}

/** The connection went away: whether the last statement took effect is unknown. */
export function lostConnection(fault: unknown): boolean {
  const code = codeOf(fault);
  if (LOST_CONNECTION.has(code) || code.startsWith("08")) return true;
  return fault instanceof Error && LOST_WORDS.test(fault.message);
}

/**
 * The connection was cut, or the statement may run again anyway. After a silence there is no time left for more of it.
 */
export function mayRepeat(fault: unknown): boolean {
  const silent = fault instanceof Error && /timeout/i.test(fault.message);
  return mayRunAgain(fault) || (lostConnection(fault) && !silent);
}

/** A fault of the database as an error of ours. Texts of PostgreSQL stay in `cause`. */
export function translate(fault: unknown): unknown {
  if (fault instanceof ProviderError) return fault;
  if (codeOf(fault) === "42501") {
    return new ProviderError("tenant_mismatch", "The database refused to cross a tenant boundary.", { cause: fault });
  }
  if (lostConnection(fault) || mayRunAgain(fault) || BRIEF.test(codeOf(fault))) {
    return new ProviderError("unavailable", "The service is briefly unavailable. Please try again.", {
      cause: fault,
      retryAfter: 5,
    });
  }
  return fault;
}
