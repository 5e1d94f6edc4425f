import { Router } from "express";
import type { Aws } from "../model/world.ts";

export function shopRoutes(_aws: Aws): Router {
  return Router();
}
