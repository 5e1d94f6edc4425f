import { findPlan } from "../catalog/catalog.ts";
import { lendCredential, mintCredentials, revokeCredentials } from "../credentials/credentials.ts";
import { databaseUrl } from "../credentials/database-login.ts";
import { ProviderError } from "../errors.ts";
import { readTenant } from "../tenants/tenants.ts";
import type { Command } from "./contract.ts";
import { tellOfDatabase } from "./database-aim.ts";
import type { Deps } from "./deps.ts";

type Parts = Pick<Deps, "store" | "clock" | "catalog" | "declarations" | "mint" | "vault" | "databases">;

export interface Restore extends Command {
  readonly tenant: string;
  /** How long the data stay open; then they are removed, unless they are restored again. */
  readonly days: number;
}

const DAY_MS = 86_400_000;
const refused = (message: string) => new ProviderError("request_malformed", message);

/**
 * Opens the data of a deprovisioned tenant again, within their grace, to a login made for whoever asks. Answers its
 * address, which is shown this once. The second time the login before is ended and the time begins anew.
 */
export async function restoreDatabase(parts: Parts, { tenant, days, by, at }: Restore) {
  const { store, clock, mint, databases } = parts;
  const declaration = parts.declarations.find(({ kind }) => kind === "postgres");
  if (databases === undefined || declaration === undefined) throw refused("The manifest declares no databases.");
  const now = clock.now();
  const until = new Date(now.getTime() + days * DAY_MS);
  const lent = await store.asTenant(tenant, async (tx) => {
    const found = await readTenant(tx, "lock");
    if (found === undefined) throw new ProviderError("tenant_not_found", "There is no such tenant.");
    if (found.state !== "gone") throw refused(`The tenant is ${found.state}: only a deprovision is undone.`);
    if (!(await databases.reopen(tx, until))) throw refused("Its data are no longer kept.");
    await revokeCredentials(tx, tenant, now);
    const [fresh] = mintCredentials(mint, tenant, [declaration]);
    if (fresh === undefined) throw new Error("No login was made.");
    const value = await lendCredential(tx, parts.vault, tenant, fresh, until, now);
    await tellOfDatabase(tx, tenant, { type: "restored", data: { until, by } }, { now: at, pushesConfig: () => false });
    const model = findPlan(parts.catalog, found.plan)?.isolation ?? "pool";
    return { ...value, address: await databases.addressOf(tx, tenant, model) };
  });
  await databases.settle(tenant);
  return { url: databaseUrl(lent.role, lent.password, lent.address), until };
}
