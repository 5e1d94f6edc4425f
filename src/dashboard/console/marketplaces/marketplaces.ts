import { Router } from "express";
import { ownForms } from "../../own-forms.ts";
import { type ConsoleParts, needs } from "../parts.ts";
import { marketplacePages } from "./pages.tsx";

/** Mounted at `/console/marketplaces`, behind the sign-in. */
export function marketplaceRoutes(parts: ConsoleParts): Router {
  const pages = marketplacePages(parts);
  const router = Router();
  router.get("/", pages.overview);
  router.post("/:name/check", needs("operator"), ...ownForms(parts.publicUrl), pages.check);
  return router;
}
