import { Router } from "express";
import { ownForms } from "../../own-forms.ts";
import { type ConsoleParts, needs } from "../parts.ts";
import { endpointActRoutes } from "./act-routes.tsx";
import { endpointActs, isEndpointAct } from "./acts.ts";
import { endpointPages } from "./pages.tsx";

/** Mounted at `/console/endpoints`, behind the sign-in. */
export function endpointRoutes(parts: ConsoleParts): Router {
  const pages = endpointPages(parts);
  const router = Router();
  router.get("/", pages.list);
  router.get("/:id", pages.endpoint);
  for (const name of Object.keys(endpointActs).filter(isEndpointAct)) {
    const { confirm, perform } = endpointActRoutes(parts, name);
    const { role } = endpointActs[name];
    router.get(`/:id/acts/${name}`, needs(role), confirm);
    router.post(`/:id/acts/${name}/confirmed`, needs(role), ...ownForms(parts.publicUrl), perform);
  }
  return router;
}
