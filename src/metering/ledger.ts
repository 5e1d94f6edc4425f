import type { OperatorStore } from "../isolation/isolation.ts";

/** A frozen record, as it is or was to be billed. */
export interface LedgerRow {
  readonly tenant: string;
  readonly hour: Date;
  readonly dimension: string;
  readonly billing_reference: string;
  readonly lot: string;
  readonly stamped_at: Date;
  /** Whole units. */
  readonly units: string;
  readonly verdict: string | null;
  /** Attempts whose outcome nobody knows. */
  readonly unknown_attempts: number;
}

const A_PAGE = 5_000;

/** Every record of all tenants whose stamp lies in the span (`until` not included). */
export async function readLedger(store: OperatorStore, from: Date, until: Date): Promise<LedgerRow[]> {
  const rows: LedgerRow[] = [];
  for (;;) {
    const last = rows.at(-1);
    const after = last && JSON.stringify({ tenant: last.tenant, hour: last.hour, dimension: last.dimension });
    const page = await store.throughDoor<LedgerRow>({
      text: "select * from usage_ledger($1, $2, $3, $4)",
      values: [from, until, after ?? null, A_PAGE],
      repeatable: true,
    });
    rows.push(...page);
    if (page.length < A_PAGE) return rows;
  }
}
