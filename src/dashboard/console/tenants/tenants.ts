import { Router } from "express";
import { ownForms } from "../../own-forms.ts";
import { type ConsoleParts, needs } from "../parts.ts";
import { actRoutes } from "./act-routes.tsx";
import { acts, isAct } from "./acts.ts";
import { tenantPages } from "./pages.tsx";

/** Mounted at `/console/tenants`, behind the sign-in. */
export function tenantRoutes(parts: ConsoleParts): Router {
  const own = ownForms(parts.publicUrl);
  const pages = tenantPages(parts);
  const router = Router();
  router.get("/", pages.list);
  router.get("/export.csv", pages.csv);
  router.get("/:id", pages.tenant);
  router.post("/:id/ask", needs("support"), ...own, pages.ask);
  for (const name of Object.keys(acts).filter(isAct)) {
    const { confirm, perform } = actRoutes(parts, name);
    router.get(`/:id/acts/${name}`, needs(acts[name].role), confirm);
    router.post(`/:id/acts/${name}/confirmed`, needs(acts[name].role), ...own, perform);
  }
  return router;
}
