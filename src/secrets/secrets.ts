import type { KeyObject } from "node:crypto";
import type { KeyRing } from "./key-ring.ts";
import { open, type SealContext, seal } from "./seal.ts";

export type { SealContext };

/** Seals what must not be read from a dump, each value for one place. */
export interface Vault {
  seal(context: SealContext, text: string): string;
  /** Throws when the text was altered, moved to another place, or sealed with a key the ring no longer holds. */
  open(context: SealContext, sealed: string): string;
}

/** Where the database keeps sealed values of one kind: a row of `sealed_places`. */
export interface SealedPlace {
  readonly place: string;
  /** What a value of the row with this key was sealed for; `boundTo` as the database's list says. */
  contextOf(key: readonly string[], boundTo: string | null): SealContext;
  /** A keyed hash that goes with the value, made under the first key of the ring. */
  rehash?(pepper: KeyObject, value: string, boundTo: string | null): string | undefined;
}

export function vaultOf(ring: KeyRing): Vault {
  return {
    seal: (context, text) => seal(ring, context, text),
    open: (context, sealed) => open(ring, context, sealed),
  };
}
