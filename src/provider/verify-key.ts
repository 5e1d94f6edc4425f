import { limitsOf } from "../catalog/catalog.ts";
import type { Scope } from "../credentials/credentials.ts";
import { TOKEN_LIFE_SECONDS } from "../credentials/token-keys.ts";
import { judgeKey } from "../credentials/verify.ts";
import { ProviderError } from "../errors.ts";
import { markOf } from "../metering/read.ts";
import type { AccessToken, KeyVerdict } from "./contract.ts";
import type { Deps } from "./deps.ts";

export async function verifyKey(deps: Deps, key: string): Promise<KeyVerdict> {
  const judgement = await judgeKey(deps, key, deps.clock.now());
  if (!judgement.valid) return judgement;
  const { used, limits: own, credential, ...verdict } = judgement;
  deps.lastUse.note(verdict.tenant, credential);
  const limits = limitsOf(deps.catalog, { plan: judgement.plan, limits: own });
  const over = markOf(used, limits);
  return { ...verdict, limits, ...(over === undefined ? {} : { over }) };
}

export async function authorise(deps: Deps, key: string, scope: Scope): Promise<KeyVerdict & { readonly valid: true }> {
  const verdict = await verifyKey(deps, key);
  if (!verdict.valid) {
    if (verdict.code === "suspended") throw new ProviderError("tenant_suspended", "This tenant is suspended.");
    throw new ProviderError("not_authenticated", "The API key is not valid.");
  }
  if (!verdict.scopes.includes(scope))
    throw new ProviderError("not_permitted", `This API key lacks the scope ${scope}.`);
  return verdict;
}

export async function issueToken(deps: Deps, key: string): Promise<AccessToken> {
  const { tenant, plan, limits } = await authorise(deps, key, "token");
  return { token: await deps.tokens.sign(tenant, { tenant, plan, limits }), expiresIn: TOKEN_LIFE_SECONDS };
}
