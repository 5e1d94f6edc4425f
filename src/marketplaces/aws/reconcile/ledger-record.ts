import type { BillingIdentity } from "../report/billing-reference.ts";
import type { Payer } from "./read-billing-report.ts";

/** One record of ours, as far as AWS can know it. */
export interface LedgerRecord {
  readonly tenant: string;
  readonly identity: BillingIdentity;
  readonly productCode: string;
  /** AWS's name. */
  readonly dimension: string;
  readonly stampedAt: Date;
  readonly units: number;
  /** `unknown`: it was sent, and nobody can say what came of it. `unbilled`: it was not taken, as far as we know. */
  readonly standing: "billed" | "unknown" | "unbilled";
}

export function paysFor({ kind, id }: Payer, { identity }: LedgerRecord): boolean {
  if (identity.generation === "legacy") return kind === "customer" && identity.customerIdentifier === id;
  return kind === "licence" ? identity.licenceArn === id : kind === "account" && identity.accountId === id;
}

/** Under which names of a payer a record may be looked for. */
export const payersOf = ({ identity }: LedgerRecord): readonly Payer[] =>
  identity.generation === "legacy"
    ? [{ kind: "customer", id: identity.customerIdentifier }]
    : [
        { kind: "licence", id: identity.licenceArn },
        { kind: "account", id: identity.accountId },
      ];
