import { type Credential, isSecretKind, liveCredentials } from "../credentials/credentials.ts";
import type { Tx } from "../db/db.ts";
import { ProviderError } from "../errors.ts";
import type { By } from "../events/events.ts";
import { OPERATION_LEASE_MS } from "../operations/operations.ts";
import { readTenant } from "../tenants/tenants.ts";
import type { Deps } from "./deps.ts";
import { proveRotation } from "./prove-rotation.ts";
import { type Replacement, rotateCredentials } from "./rotate.ts";

/** A tenant whose turn it is, claimed for this worker. */
interface Turn {
  readonly tenant_id: string;
  readonly rotation: string;
  readonly lease: string;
  readonly attempts: number;
  readonly keys: readonly { readonly new: { readonly credential: string } }[];
  readonly campaign: {
    readonly kind: string | null;
    readonly overlap_seconds: number;
    readonly by: By;
    readonly started_at: string;
  };
}

/** Somewhat more than five hours, then the tenant is named as failed. */
const TRIES = 30;
const LONGEST_PAUSE_SECONDS = 900;
const FOLLOWED_AT_ONCE = 200;
/** Logins that give no answer take their time: so many are opened side by side. */
const PROVEN_AT_ONCE = 8;

/** Thrown inside a transaction that must not happen: another worker has this turn. */
class NotOurTurn extends Error {}

/**
 * Moves the campaign on and starts the turns that are due, at most `limit`: a promise for the end of each. A tenant is
 * rotated in the transaction that marks its turn as taken, so a crash leaves it done or still waiting.
 */
export async function startRotations(deps: Deps, limit: number): Promise<readonly Promise<void>[]> {
  const { store, clock } = deps;
  const now = clock.now();
  const [campaign] = await store.throughDoor<{ more: boolean }>({
    text: "select advance_rotation($1) as more",
    values: [now],
  });
  const due = await store.throughDoor<{ turn: Turn }>({
    text: "select claim_rotations($1, $2, $3) as turn",
    values: [now, new Date(now.getTime() + OPERATION_LEASE_MS), limit],
  });
  if (due.length === 0 && campaign?.more === true) return [Promise.resolve()];
  return due.map(({ turn }) => takeTurn(deps, turn));
}

/** Follows what was rotated to the end of the old credentials; proves what a crash or a shut door has left unproven. */
export async function followRotations(deps: Deps): Promise<void> {
  const rows = await deps.store.throughDoor<{ turn: Turn }>({
    text: "select follow_rotations($1, $2) as turn",
    values: [deps.clock.now(), FOLLOWED_AT_ONCE],
  });
  for (let first = 0; first < rows.length; first += PROVEN_AT_ONCE) {
    const next = rows.slice(first, first + PROVEN_AT_ONCE);
    await Promise.all(next.map(({ turn }) => proveRotation(deps, turn.tenant_id, turn.rotation)));
  }
}

async function takeTurn(deps: Deps, turn: Turn): Promise<void> {
  const { campaign, tenant_id: tenant, rotation } = turn;
  try {
    if (!(await isToBeRotated(deps, turn))) return;
    let ours = false;
    await rotateCredentials(
      deps,
      {
        ref: { tenant },
        ...(campaign.kind === null ? {} : { kind: campaign.kind }),
        overlapSeconds: campaign.overlap_seconds,
        by: campaign.by,
        at: new Date(campaign.started_at),
      },
      async (tx, replacement) => {
        await markRotated(tx, turn, replacement, deps.clock.now());
        ours = true;
      },
    );
    if (!ours) throw new ProviderError("operation_running", "The same rotation was asked for by somebody else.");
    await proveRotation(deps, tenant, rotation);
  } catch (fault) {
    if (!(fault instanceof NotOurTurn)) await putOff(deps, turn, fault);
  }
}

/** Not one that has left, nor one whose credentials were all replaced since the campaign began. */
async function isToBeRotated(deps: Deps, turn: Turn): Promise<boolean> {
  const { campaign } = turn;
  return deps.store.asTenant(turn.tenant_id, async (tx) => {
    const tenant = await readTenant(tx);
    if (tenant === undefined || ["failed", "deprovisioning", "gone"].includes(tenant.state)) {
      await endTurn(tx, turn, "gone", null, deps.clock.now());
      return false;
    }
    const old = (await liveCredentials(tx)).filter(
      (credential) =>
        credential.state === "active" &&
        isInCampaign(credential, campaign.kind) &&
        credential.createdAt <= new Date(campaign.started_at),
    );
    if (old.length > 0) return true;
    await endTurn(tx, turn, "taken", "renewed by somebody else meanwhile", deps.clock.now());
    return false;
  });
}

const isInCampaign = ({ kind, named }: Credential, wanted: string | null): boolean =>
  !named && isSecretKind(kind) && (wanted === null || kind === wanted);

async function endTurn(tx: Tx, turn: Turn, state: "gone" | "taken", note: string | null, now: Date): Promise<void> {
  await tx.query(
    `update rotation_tenants set state = $3, note = $4, due_at = $5, lease = null, lease_until = null
     where rotation = $1 and lease = $2 and state = 'waiting'`,
    [turn.rotation, turn.lease, state, note, now],
  );
}

async function markRotated(tx: Tx, turn: Turn, { operation, old, fresh }: Replacement, now: Date): Promise<void> {
  const keys = fresh.map((credential) => {
    const before = old.find(({ name }) => name === credential.var);
    return {
      kind: credential.kind,
      var: credential.var,
      ...(before && { old: { credential: before.id, key_id: before.keyId, last_four: before.hint } }),
      new: { credential: credential.id, key_id: credential.key_id, last_four: credential.hint },
    };
  });
  const marked = await tx.query(
    `update rotation_tenants set state = 'rotated', operation = $3, keys = $4, rotated_at = $5, due_at = $5, note = null,
            lease = null, lease_until = null
     where rotation = $1 and lease = $2 and state = 'waiting' returning tenant_id`,
    [turn.rotation, turn.lease, operation.id, JSON.stringify(keys), now],
  );
  if (marked.length === 0) throw new NotOurTurn("Another worker has this turn.");
}

/** It waits for a later try, or has failed for good. */
async function putOff(deps: Deps, turn: Turn, fault: unknown): Promise<void> {
  const note = (fault instanceof ProviderError ? fault.message : String(fault)).slice(0, 300);
  const pause = Math.min(LONGEST_PAUSE_SECONDS, 2 ** Math.min(turn.attempts, 20)) * 1_000;
  const gone = fault instanceof ProviderError && ["tenant_gone", "tenant_not_found"].includes(fault.code);
  const state = gone ? "gone" : turn.attempts >= TRIES ? "failed" : "waiting";
  await deps.store.asTenant(turn.tenant_id, (tx) =>
    tx.query(
      `update rotation_tenants set state = $3, note = $4, due_at = $5, lease = null, lease_until = null
       where rotation = $1 and lease = $2 and state = 'waiting'`,
      [turn.rotation, turn.lease, state, note, new Date(deps.clock.now().getTime() + pause)],
    ),
  );
}
