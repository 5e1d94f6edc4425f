import type { SealedPlace } from "../../secrets/secrets.ts";
import { grantCodePlace } from "./calls/grant-code.ts";
import { contextOf } from "./platform/grants.ts";
import { webhookPlace } from "./webhooks/subscriptions.ts";

// What the commands of an operator need of Heroku: a second door, beside the marketplace itself.

const tokenPlace = (field: "access" | "refresh"): SealedPlace => ({
  place: `heroku_grants.${field}_sealed`,
  contextOf: ([tenant = ""]) => contextOf(tenant, field),
});

/** Where values are kept that only the key ring opens. */
export const herokuSealedPlaces: readonly SealedPlace[] = [
  tokenPlace("access"),
  tokenPlace("refresh"),
  grantCodePlace,
  webhookPlace,
];
