import type { Tx } from "../../../db/db.ts";
import { ABANDON_PROVISION } from "../../../deliveries/deliveries.ts";
import { isThere, readTenant, type Tenant } from "../../../tenants/tenants.ts";
import { EXCHANGE_GRANT } from "../calls/kinds.ts";
import type { HerokuOptions } from "../options.ts";

/** The tokens of one tenant. A lost grant has none, and only Heroku can give us another. */
export type Grant = ActiveGrant | { readonly state: "lost" };

export interface ActiveGrant {
  readonly state: "active";
  readonly access: string;
  readonly refresh: string | undefined;
  readonly accessExpiresAt: Date;
  readonly refreshDueAt: Date | null;
  /** Of the code it came from: what makes a grant newer than another. */
  readonly codeExpiresAt: Date;
  readonly codeSequence: number;
  /** Another one with each pair of tokens. */
  readonly version: string;
}

/** What a call to Heroku stands on. */
export interface Standing {
  readonly tenant: Tenant;
  readonly grant: Grant | undefined;
  /** A code is still to be exchanged. */
  readonly awaited: boolean;
  /** Whether there is anything left to be told to Heroku or learnt from it. */
  readonly wanted: boolean;
}

interface GrantRow {
  readonly state: "active" | "lost";
  readonly access_sealed: string | null;
  readonly refresh_sealed: string | null;
  readonly access_expires_at: Date;
  readonly refresh_due_at: Date | null;
  readonly code_expires_at: Date;
  readonly code_sequence: string;
  readonly version: string;
}

/** Where a code stands among the codes of its tenant. */
export interface CodeAge {
  readonly expiresAt: Date;
  readonly sequence: number;
}

/** Whether the tokens came from this very code (its call is tried again after a crash) or from a newer one. */
export const isAsNew = (grant: ActiveGrant, code: CodeAge): boolean =>
  grant.codeExpiresAt.getTime() === code.expiresAt.getTime()
    ? grant.codeSequence >= code.sequence
    : grant.codeExpiresAt > code.expiresAt;

export function standingOf(options: HerokuOptions, tenant: string): Promise<Standing> {
  return options.store.asTenant(tenant, (tx) => readStanding(options, tx));
}

export async function readStanding({ vault }: HerokuOptions, tx: Tx, lock?: "lock"): Promise<Standing> {
  const tenant = await readTenant(tx, lock);
  if (tenant === undefined) throw new Error("A call is owed for a tenant that is not there.");
  const [row] = await tx.query<GrantRow>("select * from heroku_grants");
  const owed = await tx.query<{ kind: string }>("select distinct kind from owed_calls where state = 'owed'");
  const kinds = owed.map(({ kind }) => kind);
  return {
    tenant,
    grant: row === undefined ? undefined : grantFromRow(vault, tenant.id, row),
    awaited: kinds.includes(EXCHANGE_GRANT),
    wanted: isThere(tenant.state) || (tenant.state === "failed" && kinds.includes(ABANDON_PROVISION)),
  };
}

function grantFromRow(vault: HerokuOptions["vault"], tenant: string, row: GrantRow): Grant {
  if (row.state === "lost" || row.access_sealed === null) return { state: "lost" };
  return {
    state: "active",
    access: vault.open(contextOf(tenant, "access"), row.access_sealed),
    refresh: row.refresh_sealed === null ? undefined : vault.open(contextOf(tenant, "refresh"), row.refresh_sealed),
    accessExpiresAt: row.access_expires_at,
    refreshDueAt: row.refresh_due_at,
    codeExpiresAt: row.code_expires_at,
    codeSequence: Number(row.code_sequence),
    version: row.version,
  };
}

export const contextOf = (tenant: string, field: "access" | "refresh") => ({
  tenant,
  field: `heroku-${field}`,
  id: tenant,
});
