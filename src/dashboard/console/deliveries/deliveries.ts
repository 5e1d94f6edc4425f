import { Router } from "express";
import { ownForms } from "../../own-forms.ts";
import { type ConsoleParts, needs } from "../parts.ts";
import { workPages } from "./pages.tsx";

/** Mounted at `/console/deliveries`, behind the sign-in. */
export function deliveryRoutes(parts: ConsoleParts): Router {
  const pages = workPages(parts);
  const router = Router();
  router.get("/", pages.list);
  router.get("/retry", needs("support"), pages.confirm);
  router.post("/retry/confirmed", needs("support"), ...ownForms(parts.publicUrl), pages.perform);
  return router;
}
