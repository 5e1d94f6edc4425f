import { Router } from "express";
import { type ConsoleParts, needs } from "../parts.ts";
import { auditPages } from "./pages.tsx";

/** Mounted at `/console/audit`, behind the sign-in; for operators and admins. */
export function auditRoutes(parts: ConsoleParts): Router {
  const { page, csv } = auditPages(parts);
  const router = Router();
  router.use(needs("operator"));
  router.get("/", page);
  router.get("/export.csv", csv);
  return router;
}
