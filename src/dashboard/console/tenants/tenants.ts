import { Router } from "express";
import type { ConsoleParts } from "../parts.ts";

/** Mounted at `/console/tenants`. */
export function tenantRoutes(_parts: ConsoleParts): Router {
  return Router();
}
