import { type Access, liveCredentials, mintNamed, type Scope } from "../credentials/credentials.ts";
import { databaseUrl } from "../credentials/database-login.ts";
import { NAMES_AT_MOST, scopesOf } from "../credentials/named.ts";
import type { Tx } from "../db/db.ts";
import { ProviderError } from "../errors.ts";
import { appendEvent } from "../events/events.ts";
import { lockedTenant } from "./begin-change.ts";
import { databaseAddress } from "./config-vars.ts";
import type { Command, Issue, Issued, Reissue } from "./contract.ts";
import { followRows } from "./databases.ts";
import type { Deps } from "./deps.ts";
import { idOf } from "./ref.ts";

interface Named {
  readonly kind: string;
  readonly name: string;
  readonly access: Access;
  readonly scopes: readonly Scope[];
}

/** A credential beside those of the config vars. Its value is answered once; it reaches no marketplace. */
export async function issueCredential(deps: Deps, issue: Issue): Promise<Issued> {
  const { kind, name, access } = issue;
  const scopes = scopesOf(
    issue,
    deps.declarations.map((declared) => declared.kind),
  );
  const tenant = await idOf(deps, issue.ref);
  const issued = await deps.store.asTenant(tenant, async (tx) => {
    await lockedForIssue(tx);
    const living = (await liveCredentials(tx)).filter(({ named }) => named);
    if (living.some((other) => other.name === name))
      throw new ProviderError("request_conflict", `There is a credential called ${name} already.`);
    if (new Set(living.map((other) => other.name)).size >= NAMES_AT_MOST)
      throw new ProviderError("quota_exceeded", `There are ${NAMES_AT_MOST} named credentials. Revoke one first.`);
    return put(deps, tx, tenant, { kind, name, access, scopes }, issue);
  });
  await followRows(deps, tenant);
  return issued;
}

/** A new value under the same name with the same rights; the old one ends after the overlap. */
export async function reissueCredential(
  deps: Deps,
  { ref, credential, overlapSeconds, ...by }: Reissue,
): Promise<Issued> {
  const tenant = await idOf(deps, ref);
  const issued = await deps.store.asTenant(tenant, async (tx) => {
    await lockedForIssue(tx);
    const old = (await liveCredentials(tx)).find(({ id, state }) => id === credential && state === "active");
    if (old?.named !== true)
      throw new ProviderError("credential_not_found", "There is no such named credential in use.");
    const now = deps.clock.now();
    await tx.query(
      `update credentials set
         state = case when $3 > 0 then 'retiring' else 'revoked' end,
         sealed = case when $3 > 0 then sealed end,
         retires_at = case when $3 > 0 then $2::timestamptz + make_interval(secs => $3) end,
         revoked_at = case when $3 > 0 then null else $2::timestamptz end,
         overlap_seconds = $3
       where id = $1`,
      [credential, now, overlapSeconds],
    );
    return put(deps, tx, tenant, old, by);
  });
  await followRows(deps, tenant);
  return issued;
}

async function lockedForIssue(tx: Tx): Promise<void> {
  const { state } = await lockedTenant(tx);
  if (state !== "active" && state !== "suspended")
    throw new ProviderError("operation_running", `Credentials cannot be issued while the tenant is ${state}.`);
}

async function put(deps: Deps, tx: Tx, tenant: string, wanted: Named, { by, at }: Command): Promise<Issued> {
  const { credential, value } = mintNamed(deps.mint, tenant, wanted);
  const now = deps.clock.now();
  await tx.query("select put_credentials($1, $2, $3)", [tenant, JSON.stringify([credential]), now]);
  const { kind, name, access } = wanted;
  const data = { credential: credential.id, kind, name, access };
  await appendEvent(tx, tenant, { type: "credential.issued", by, at, data }, now);
  const issued = (await liveCredentials(tx)).find(({ id }) => id === credential.id);
  if (issued === undefined) throw new Error("The issued credential is not there.");
  if (kind !== "postgres") return { credential: issued, value };
  const address = await databaseAddress(deps, tx, await lockedTenant(tx));
  return { credential: issued, value: databaseUrl(credential.key_id, value, address ?? "") };
}
