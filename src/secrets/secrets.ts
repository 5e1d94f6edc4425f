import type { KeyRing } from "./key-ring.ts";
import { open, type SealContext, seal } from "./seal.ts";

export type { SealContext };

/** Seals what must not be read from a dump, each value for one place. */
export interface Vault {
  seal(context: SealContext, text: string): string;
  /** Throws when the text was altered, moved to another place, or sealed with a key the ring no longer holds. */
  open(context: SealContext, sealed: string): string;
}

export function vaultOf(ring: KeyRing): Vault {
  return {
    seal: (context, text) => seal(ring, context, text),
    open: (context, sealed) => open(ring, context, sealed),
  };
}
