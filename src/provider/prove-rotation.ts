import { type Credential, liveCredentials, openCredential } from "../credentials/credentials.ts";
import { judgeKey } from "../credentials/verify.ts";
import { readTenant } from "../tenants/tenants.ts";
import { configVarsFrom, databaseAddress } from "./config-vars.ts";
import type { Deps } from "./deps.ts";
import { openLogin } from "./open-login.ts";

/** So long a new login may stay shut after its rotation has ended; then the tenant is named as failed. */
const PROVE_MS = 600_000;
const AGAIN_MS = 5_000;
/** Wrong for good: the password, or the database. */
const REFUSED = new Set(["28P01", "3D000"]);

/** What was found out about one new credential. */
type Finding =
  | { readonly is: "checked"; readonly checked: string; readonly proven: boolean }
  | { readonly is: "unproven" | "failed"; readonly reason: string }
  /** Nothing to say: its tenant left, or the server has not been told of it yet. Whoever follows the rotation knows more. */
  | { readonly is: "open" };

/** What a rotation has put in force for one tenant. */
interface Fresh {
  readonly credentials: readonly Credential[];
  readonly suspended: boolean;
  /** When its operation was through; null while it runs. */
  readonly endedAt: Date | null;
  urlOf(credential: Credential): string | undefined;
}

/**
 * Judges the new keys as a caller's would be and opens the new logins as the customer does: only then may the old ones
 * end in peace. What was checked is written beside each key; a login that does not open yet is tried again.
 */
export async function proveRotation(deps: Deps, tenant: string, rotation: string): Promise<void> {
  const fresh = await freshOf(deps, tenant, rotation);
  if (fresh === undefined) return;
  const checked: Record<string, { checked: string; proven: boolean }> = {};
  const left: Exclude<Finding, { is: "checked" }>[] = [];
  for (const credential of fresh.credentials) {
    const finding = await (credential.kind === "api-key"
      ? provenKey(deps, credential)
      : provenLogin(fresh, credential));
    if (finding.is === "checked") checked[credential.id] = { checked: finding.checked, proven: finding.proven };
    else left.push(finding);
  }
  const now = deps.clock.now();
  await deps.store.asTenant(tenant, (tx) =>
    tx.query(
      `update rotation_tenants set
         keys = coalesce((
           select jsonb_agg(jsonb_set(k, '{new}', k->'new' || coalesce($2::jsonb->(k->'new'->>'credential'), '{}')) order by n)
           from jsonb_array_elements(keys) with ordinality e(k, n)), '[]'),
         judged_at = case when $3 = 'proven' then $5::timestamptz end,
         state = case when $3 = 'failed' then 'failed' else state end,
         note = coalesce($4, note),
         due_at = case when $3 = 'unproven' then $6 else due_at end
       where rotation = $1 and state = 'rotated' and judged_at is null`,
      [rotation, JSON.stringify(checked), ...verdictOf(left, fresh, now), now, new Date(now.getTime() + AGAIN_MS)],
    ),
  );
}

/** The word for it, and the note. */
function verdictOf(
  left: readonly Exclude<Finding, { is: "checked" }>[],
  { endedAt }: Fresh,
  now: Date,
): readonly ["proven" | "open" | "unproven" | "failed", string | null] {
  const failed = left.find(({ is }) => is === "failed");
  if (failed?.is === "failed") return ["failed", failed.reason];
  const unproven = left.find(({ is }) => is === "unproven");
  if (unproven?.is === "unproven") {
    const late = endedAt !== null && now.getTime() - endedAt.getTime() >= PROVE_MS;
    return [late ? "failed" : "unproven", `not proven: ${unproven.reason}`];
  }
  return [left.length > 0 ? "open" : "proven", null];
}

function freshOf(deps: Deps, tenant: string, rotation: string): Promise<Fresh | undefined> {
  return deps.store.asTenant(tenant, async (tx) => {
    const [row] = await tx.query<{ ids: string[]; ended_at: Date | null }>(
      `select array(select k->'new'->>'credential' from jsonb_array_elements(t.keys) k) as ids, o.ended_at
       from rotation_tenants t left join operations o on o.tenant_id = t.tenant_id and o.id = t.operation
       where t.rotation = $1`,
      [rotation],
    );
    const found = await readTenant(tx);
    if (row === undefined || found === undefined) return undefined;
    const address = await databaseAddress(deps, tx, found);
    const credentials = (await liveCredentials(tx)).filter(({ id }) => row.ids.includes(id));
    return {
      credentials,
      suspended: found.state === "suspended",
      endedAt: row.ended_at,
      urlOf: (credential) => configVarsFrom(deps, found, [credential], address)[credential.name],
    };
  });
}

async function provenKey(deps: Deps, credential: Credential): Promise<Finding> {
  const verdict = await judgeKey(deps, openCredential(deps.vault, credential), deps.clock.now());
  if (verdict.valid) return { is: "checked", checked: "key accepted", proven: true };
  // It is known and will work again; a tenant that left is found by who follows.
  if (verdict.code === "suspended") {
    return { is: "checked", checked: "key known; the tenant is suspended", proven: true };
  }
  return verdict.code === "unknown" ? { is: "failed", reason: "the new key is not accepted" } : { is: "open" };
}

async function provenLogin({ suspended, endedAt, urlOf }: Fresh, credential: Credential): Promise<Finding> {
  if (endedAt === null) return { is: "open" };
  const notOpened = (why: string): Finding => ({ is: "checked", checked: `login not opened; ${why}`, proven: false });
  if (suspended) return notOpened("the tenant is suspended");
  const url = urlOf(credential);
  if (url === undefined) return notOpened("it was replaced meanwhile");
  const tried = await openLogin(url);
  if (tried.opens) return { is: "checked", checked: "login opened", proven: true };
  return faultOf(credential.name, tried.code);
}

/** In words that name no server and hold no secret. */
function faultOf(name: string, code: string | undefined): Finding {
  if (code === undefined) return { is: "unproven", reason: `${name} gives no answer` };
  if (REFUSED.has(code)) return { is: "failed", reason: `${name} does not open: the server refuses it (${code})` };
  const reason = /^[0-9A-Z]{5}$/.test(code) ? "is not opened by the server" : "is not reached";
  return { is: "unproven", reason: `${name} ${reason} (${code})` };
}
