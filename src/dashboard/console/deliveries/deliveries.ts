import { Router } from "express";
import type { ConsoleParts } from "../parts.ts";

/** Mounted at `/console/deliveries`. */
export function deliveryRoutes(_parts: ConsoleParts): Router {
  return Router();
}
