import type { KeyObject } from "node:crypto";
import { type Request, type RequestHandler, type Response, Router } from "express";
import type { FailedAttempts } from "../../http/failed-attempts.ts";
import { notFound } from "../../http/problem.ts";
import { pageErrors } from "../error-page.tsx";
import { ownForms } from "../own-forms.ts";
import { signedInOnly } from "./access/guard.ts";
import type { Identities } from "./access/options.ts";
import { type OperatorSessions, operatorSessions } from "./access/sessions.ts";
import { signInRoutes } from "./access/sign-in.tsx";
import { auditRoutes } from "./audit/audit.ts";
import { deliveryRoutes } from "./deliveries/deliveries.ts";
import { endpointRoutes } from "./endpoints/endpoints.ts";
import { homeRoutes } from "./home/home.tsx";
import { marketplaceRoutes } from "./marketplaces/marketplaces.ts";
import { meteringRoutes } from "./metering/metering.tsx";
import type { ConsoleParts } from "./parts.ts";
import { peopleRoutes } from "./people/people.ts";
import { revenueRoutes } from "./revenue/revenue.tsx";
import { tenantRoutes } from "./tenants/tenants.ts";
import { usageRoutes } from "./usage/usage.tsx";

export interface ConsoleOptions extends Omit<ConsoleParts, "identityProviders">, Identities {
  /** Sign the session's id in the cookie. */
  readonly secrets: readonly (KeyObject | Buffer)[];
  readonly secure: boolean;
  readonly attempts: FailedAttempts;
}

/** The pages of the people who run the service. Mounted at `/console`; a folder a section, each behind the sign-in. */
export function consoleRoutes(options: ConsoleOptions): Router {
  const { secrets, secure, attempts, oidc, saml, ...given } = options;
  const parts: ConsoleParts = { ...given, identityProviders: (oidc ?? saml) !== undefined };
  const sessions = operatorSessions({ ...parts, secrets, secure });
  const router = Router();
  router.use(...sessions.middleware);
  router.use(signInRoutes({ parts, sessions, attempts, oidc, saml }));
  router.use(signedInOnly(sessions));
  router.post("/sign-out", ...ownForms(parts.publicUrl), signOut(sessions));
  router.use(homeRoutes(parts));
  router.use("/tenants", tenantRoutes(parts));
  router.use("/metering", meteringRoutes(parts));
  router.use("/usage", usageRoutes(parts));
  router.use("/revenue", revenueRoutes(parts));
  router.use("/deliveries", deliveryRoutes(parts));
  router.use("/endpoints", endpointRoutes(parts));
  router.use("/marketplaces", marketplaceRoutes(parts));
  router.use("/people", peopleRoutes(parts));
  router.use("/audit", auditRoutes(parts));
  router.use(notFound, ...pageErrors(`${parts.catalog.name} console`, CONSOLE));
  return router;
}

const CONSOLE = { address: "/console", words: "Back to the console" };

function signOut(sessions: OperatorSessions): RequestHandler {
  return async function answerSignOut(request: Request, response: Response) {
    await sessions.signOut(request);
    response.redirect(303, "/console/signed-out");
  };
}
