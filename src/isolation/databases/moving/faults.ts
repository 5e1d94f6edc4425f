import { CannotBeCarried, CopyDiffers } from "../../copy/copy.ts";

/** A reason, worded for the customer, that no repeat removes. */
export class CannotBeMoved extends Error {
  override readonly name = "CannotBeMoved";
}

/** The server is away, full, busy, or locked: the same again may succeed. */
const PASSING = /^(E|08|53|55P03|57|40|58)/;
/** Definitions can change between two looks at them; what is refused so often will be refused for ever. */
const TRIES = 3;

/** Why a move ends after this fault, in words for the customer; undefined when it is to be tried again. */
export function reasonToEnd(fault: unknown, attempts: number): string | undefined {
  if (fault instanceof CannotBeMoved || fault instanceof CannotBeCarried) return fault.message;
  if (attempts + 1 < TRIES) return undefined;
  if (fault instanceof CopyDiffers) return fault.message;
  const { code, message } = Object(fault) as { code?: unknown; message?: unknown };
  const isRefusal = typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && !PASSING.test(code);
  return isRefusal ? `The database refused what was to be copied: ${String(message)}.` : undefined;
}
