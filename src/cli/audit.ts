import { readSettings } from "../config.ts";
import { ProviderError } from "../errors.ts";
import type { AuditEntry } from "../events/audit-bytes.ts";
import type { Witness } from "../events/audit-check.ts";
import { type AuditVerdict, auditEntries, verifyAudit } from "../events/audit-read.ts";
import { isTenantId, type Store } from "../isolation/isolation.ts";
import { derive, parseKeyRing } from "../secrets/key-ring.ts";
import { asOperator, thisOperator, withStore } from "./operator-database.ts";
import { progress } from "./progress.ts";

interface VerifyOptions {
  readonly tenant?: string;
  readonly witness?: Witness;
  readonly json?: boolean;
}

const BROKEN = 1;
/** The chain of what operators do across tenants. */
const OPERATOR = "operator";

/** Recomputes the whole audit, or one tenant's. Exit code 1 when something is broken, with where and what. */
export async function verify({ tenant, witness, json = false }: VerifyOptions): Promise<void> {
  const settings = readSettings();
  const ring = parseKeyRing(settings.secretKeys);
  const keys = new Map([...ring.byId].map(([id, key]) => [id, derive(key, "audit")]));
  const chain = tenant === undefined ? undefined : chainOf(tenant);
  const bar = progress("verifying the audit");
  const verdict = await withStore(settings, async (store) => {
    const found = await verifyAudit(store, { keys, chain, witness, onProgress: bar.update }).finally(bar.end);
    await tellOf(store, found);
    return found;
  });
  process.stdout.write(
    json ? `${JSON.stringify({ sound: verdict.faults.length === 0, ...verdict })}\n` : told(verdict),
  );
  if (verdict.faults.length > 0) process.exitCode = BROKEN;
}

/** Afterwards, and not before: what is broken must be looked at all the same, and may take no entry any more. */
async function tellOf(store: Store, { faults }: AuditVerdict): Promise<void> {
  const facts = JSON.stringify({ reason: "audit verify", faults: faults.length });
  const values = [thisOperator(), new Date(), facts];
  const text = "select append_audit('operator', 'operator.crossed', $1, $2, $2, $3)";
  await store.throughDoor({ text, values }).catch(() => {
    process.stderr.write("That somebody looked could not be written into the audit.\n");
  });
}

function told({ faults, chains, entries, anchors, unanchored }: AuditVerdict): string {
  const looked = `${entries} entries of ${chains} chains, ${anchors} anchors`;
  if (faults.length === 0) {
    const young = unanchored === 0 ? "" : ` ${unanchored} entries are not anchored yet (a worker does so each minute).`;
    return `The audit is sound: ${looked}.${young}\n`;
  }
  const lines = faults.map(({ chain, sequence, kind, says }) => `  ${chain} ${sequence}: ${kind}: ${says}\n`);
  return `The audit is broken in ${faults.length === 1 ? "1 place" : `${faults.length} places`} (${looked}):\n${lines.join("")}`;
}

/** What was done to one tenant's credentials, and who looked, oldest first; or what operators did across tenants. */
export async function list({ tenant, json = false }: { tenant: string; json?: boolean }): Promise<void> {
  const chain = chainOf(tenant);
  await asOperator(readSettings(), "audit list", async (store) => {
    for await (const entry of auditEntries(store, chain)) {
      process.stdout.write(json ? `${JSON.stringify({ ...entry, data: JSON.parse(entry.data) })}\n` : lineOf(entry));
    }
  });
}

function lineOf({ sequence, at, by, action, data }: AuditEntry): string {
  const facts = Object.entries(JSON.parse(data) as Record<string, unknown>).map(([name, value]) => `${name}=${value}`);
  return `${String(sequence).padStart(5)}  ${at.slice(0, 19)}Z  ${action.padEnd(21)} ${by}  ${facts.join(" ")}\n`;
}

function chainOf(tenant: string): string {
  if (tenant === OPERATOR || isTenantId(tenant)) return tenant;
  throw new ProviderError("tenant_not_found", `${tenant} is neither a tenant's id nor \`${OPERATOR}\`.`);
}
