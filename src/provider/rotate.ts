import {
  type Credential,
  isSecretKind,
  liveCredentials,
  mintCredentials,
  type NewCredential,
  replaceCredentials,
} from "../credentials/credentials.ts";
import type { Tx } from "../db/db.ts";
import { ProviderError } from "../errors.ts";
import { appendEvent } from "../events/events.ts";
import type { Operation } from "../operations/operations.ts";
import type { Tenant } from "../tenants/tenants.ts";
import { beginChange, lockedTenant } from "./begin-change.ts";
import type { Outcome, Rotation } from "./contract.ts";
import type { Deps } from "./deps.ts";
import { idOf, refuseCancelled } from "./ref.ts";
import { attempt } from "./run.ts";

/** Heroku advises to keep the old credentials for an hour or two: the change restarts every app that has them. */
const DEFAULT_OVERLAP_SECONDS = 7_200;
const LONGEST_OVERLAP_SECONDS = 7 * 86_400;

/** What a rotation that has begun puts in the place of what. */
export interface Replacement {
  readonly operation: Operation;
  readonly old: readonly Credential[];
  readonly fresh: readonly NewCredential[];
}

/** Runs in the transaction of the replacement; when it throws, nothing was replaced. */
export type Alongside = (tx: Tx, replacement: Replacement) => Promise<void>;

/**
 * New credentials beside the old ones in one transaction, then the product is told, then the config is pushed. The old
 * ones end after the overlap, but never before the marketplace has the new ones.
 */
export async function rotateCredentials(
  deps: Deps,
  rotation: Rotation,
  alongside?: Alongside,
): Promise<Outcome<Tenant> & { operationId: string }> {
  const overlapSeconds = overlapOf(rotation);
  const declarations = deps.declarations.filter(
    ({ kind }) => isSecretKind(kind) && (rotation.kind === undefined || kind === rotation.kind),
  );
  if (declarations.length === 0) {
    throw new ProviderError(
      "request_malformed",
      `There are no credentials of the kind ${rotation.kind ?? "asked for"} to rotate.`,
    );
  }
  const id = await idOf(deps, rotation.ref);
  const begun = await deps.store.asTenant(id, async (tx) => {
    const tenant = await lockedTenant(tx);
    if (tenant.state !== "active" && tenant.state !== "suspended") {
      throw new ProviderError(
        "operation_running",
        `Credentials cannot be rotated while the tenant is ${tenant.state}.`,
      );
    }
    const target = { kind: rotation.kind ?? "all", overlap_seconds: overlapSeconds };
    const change = await beginChange(deps, tx, tenant, {
      kind: "rotate",
      event: "credential.issued",
      target,
      by: rotation.by,
      at: rotation.at,
      request: rotation.request,
    });
    if (!change.ours) return change;
    const now = deps.clock.now();
    const old = (await liveCredentials(tx)).filter(({ state, named }) => state === "active" && !named);
    const fresh = mintCredentials(deps.mint, tenant.id, declarations);
    const retirement = { at: new Date(now.getTime() + overlapSeconds * 1000), overlapSeconds };
    await replaceCredentials(tx, tenant.id, fresh, retirement, now);
    if (overlapSeconds === 0) {
      await appendEvent(
        tx,
        tenant.id,
        { type: "credential.revoked", by: rotation.by, at: rotation.at, data: { kind: target.kind } },
        now,
      );
    }
    await alongside?.(tx, { operation: change.operation, old, fresh });
    return change;
  });
  if (!begun.ours) return { kind: "running", operationId: begun.operation.id, value: begun.tenant };
  const { operation, tenant } = await attempt(deps, begun, { budgetMs: deps.budgets.product, tellLater: false });
  refuseCancelled(operation);
  return operation.state === "running"
    ? { kind: "running", operationId: operation.id, value: tenant }
    : { kind: "done", fresh: true, operationId: operation.id, value: tenant };
}

function overlapOf({ overlapSeconds }: Rotation): number {
  if (overlapSeconds === undefined) return DEFAULT_OVERLAP_SECONDS;
  if (Number.isInteger(overlapSeconds) && overlapSeconds >= 0 && overlapSeconds <= LONGEST_OVERLAP_SECONDS)
    return overlapSeconds;
  throw new ProviderError(
    "request_malformed",
    `The overlap is a whole number of seconds from 0 to ${LONGEST_OVERLAP_SECONDS}.`,
  );
}
