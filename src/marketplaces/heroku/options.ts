import type { Catalog } from "../../catalog/catalog.ts";
import type { Clock } from "../../clock.ts";
import type { ConfigVars } from "../../credentials/credentials.ts";
import type { FailedAttempts } from "../../http/failed-attempts.ts";
import type { Metrics } from "../../http/metrics.ts";
import type { Store } from "../../isolation/isolation.ts";
import type { Provider } from "../../provider/contract.ts";
import type { Vault } from "../../secrets/secrets.ts";

/** The name under which tenants of this marketplace are kept. */
export const HEROKU = "heroku";

export interface HerokuSettings {
  /** Basic passwords of the manifest: two during a rotation, and both work. */
  readonly passwords: readonly string[];
  /** Sign-in salts of the manifest: two during a rotation, and both work. */
  readonly ssoSalts: readonly string[];
  readonly clientSecret: string;
  /** Origins without a path. */
  readonly apiUrl: string;
  readonly idUrl: string;
}

export interface HerokuOptions {
  readonly store: Store;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly catalog: Catalog;
  readonly attempts: FailedAttempts;
  readonly metrics?: Metrics;
  readonly settings: HerokuSettings;
  readonly publicUrl: string;
  /** What the customer should have in the environment now. */
  readonly configVars: (tenant: string) => Promise<ConfigVars>;
  /** Ends a tenant whose purchase Heroku gave up while it was being set up. */
  readonly deprovision: Provider["deprovision"];
}
