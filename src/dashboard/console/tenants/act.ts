import { ProviderError } from "../../../errors.ts";
import { isTenantId, type OperatorStore } from "../../../isolation/isolation.ts";
import type { Happened } from "../overtaken-page.tsx";

/** What an operator wishes for a tenant. */
export interface Wish {
  readonly act: string;
  readonly reason: string;
  /** What the form was made from; absent where nothing is changed. */
  readonly version?: number | undefined;
  readonly operation?: string | undefined;
  readonly call?: number | undefined;
  readonly until?: Date | undefined;
}

/** Done, or overtaken by what happened meanwhile: nothing was done then. */
export type Admitted = { readonly done: true } | { readonly done: false; readonly since: readonly Happened[] };

/**
 * Writes the wish into the tenant's history and audit, in the same moment in which it looks whether the form still stands:
 * of two operators at once, the second is told. A retry is done by it; what else is wished for comes after.
 */
export async function admit(store: OperatorStore, tenant: string, wish: Wish): Promise<Admitted> {
  const { by, at } = store.operator;
  const [row] = isTenantId(tenant)
    ? await store.throughDoor<{ admitted: Admitted | null }>({
        text: "select console_act($1, $2, $3) as admitted",
        values: [tenant, JSON.stringify({ ...wish, by, at }), at],
      })
    : [];
  if (row?.admitted) return row.admitted;
  throw new ProviderError("tenant_not_found", "There is no such tenant.");
}
