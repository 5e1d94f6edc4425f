import type { Manifest } from "../catalog/catalog.ts";
import type { Clock } from "../clock.ts";
import type { Settings } from "../config.ts";
import type { Logger } from "../log.ts";

/** What the service is built from. */
export interface Surroundings {
  readonly settings: Settings;
  readonly manifest: Manifest;
  /** The serving login's. */
  readonly databaseUrl: string;
  /** The administrator's of the tenants' databases; absent where there is no server for them. */
  readonly tenantsUrl?: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}
