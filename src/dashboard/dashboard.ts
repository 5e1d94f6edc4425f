import { Router } from "express";
import { notFound } from "../http/problem.ts";
import { assetRoutes } from "./assets.ts";
import { customerRoutes } from "./customer/customer-routes.ts";
import { pageErrors } from "./error-page.tsx";
import type { DashboardOptions } from "./options.ts";

export type { DashboardOptions };

/** The pages for people: `/dashboard` for a customer who came by a marketplace's sign-in, and `/assets` beside it. */
export function dashboardRoutes(options: DashboardOptions): Router {
  const router = Router();
  router.use("/assets", assetRoutes());
  router.use("/dashboard", customerRoutes(options), notFound, ...pageErrors(options.catalog.name));
  return router;
}
