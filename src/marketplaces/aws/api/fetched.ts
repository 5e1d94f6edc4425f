import type { Called } from "./call.ts";

/** What a question to AWS came to. */
export type Fetched<T> =
  | { readonly kind: "found"; readonly value: T }
  | { readonly kind: "throttled" }
  | { readonly kind: "down"; readonly fault: string }
  | { readonly kind: "misconfigured"; readonly code: string; readonly message: string };

/** A refused question is one that we put wrongly. */
export function fetched<T>(called: Called<T>): Fetched<T> {
  if (called.kind === "down") return { kind: "down", fault: called.fault };
  if (called.kind === "refused") return { ...called, kind: "misconfigured" };
  return called;
}
