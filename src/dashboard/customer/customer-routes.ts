import { type RequestHandler, Router } from "express";
import { noteRequest } from "../../http/request-log.ts";
import type { DashboardOptions } from "../options.ts";
import { ownForms } from "../own-forms.ts";
import { customerActions } from "./actions.tsx";
import { alertActions } from "./alert-actions.tsx";
import { credentialActions } from "./credential-actions.tsx";
import { exportData } from "./export.ts";
import { liveFirstSteps } from "./first-steps.tsx";
import { customerPages } from "./pages.tsx";
import { signedInOn } from "./signed-in.ts";

/** Mounted at `/dashboard`. Every route is a list of steps; the last one answers. */
export function customerRoutes(options: DashboardOptions): Router {
  const pages = customerPages(options);
  const actions = customerActions(options);
  const credentials = credentialActions(options);
  const alerts = alertActions(options);
  const signedIn = [...options.sessions.middleware, refuseStrangers(options)];
  const ownForm = [...signedIn, ...ownForms(options.publicUrl)];

  const router = Router();
  router.get("/", signedIn, pages.overview);
  router.get("/activity", signedIn, pages.activity);
  router.get("/activity.csv", signedIn, pages.activityCsv);
  router.get("/usage", signedIn, pages.usage);
  router.get("/usage.csv", signedIn, pages.usageCsv);
  router.get("/live", signedIn, liveFirstSteps(options));
  router.get("/status", signedIn, pages.status);
  router.get("/signed-out", pages.signedOut);
  router.get("/alerts", signedIn, alerts.page);
  router.post("/alerts", ownForm, alerts.add);
  router.post("/alerts/remove", ownForm, alerts.remove);
  router.post("/export", ownForm, exportData(options));
  router.get("/credentials/new", signedIn, credentials.form);
  router.get("/credentials/:id", signedIn, credentials.page);
  router.post("/credentials", ownForm, credentials.issue);
  router.post("/credentials/rotate", ownForm, credentials.rotate);
  router.post("/credentials/revoke", ownForm, credentials.revoke);
  router.post("/reveal", ownForm, actions.reveal);
  router.post("/test-connection", ownForm, actions.testConnection);
  router.post("/rotate", ownForm, actions.rotate);
  router.post("/revoke", ownForm, actions.revoke);
  router.get("/aws/template.json", signedIn, actions.aws.template);
  router.post("/aws/offer", ownForm, actions.aws.offer);
  router.post("/aws/connect", ownForm, actions.aws.connect);
  router.post("/aws/disconnect", ownForm, actions.aws.disconnect);
  router.post("/sign-out", ownForm, actions.signOut);
  return router;
}

function refuseStrangers({ sessions }: DashboardOptions): RequestHandler {
  return function refuseStranger(request, _response, next) {
    noteRequest(request, { tenant: signedInOn(sessions, request).tenant });
    next();
  };
}
