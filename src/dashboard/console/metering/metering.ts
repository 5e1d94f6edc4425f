import { Router } from "express";
import type { ConsoleParts } from "../parts.ts";

/** Mounted at `/console/metering`. */
export function meteringRoutes(_parts: ConsoleParts): Router {
  return Router();
}
