import { stringify } from "csv-stringify/sync";
import { type RequestHandler, Router } from "express";
import { currencyOf } from "../../../catalog/catalog.ts";
import { sendPage } from "../../send-page.ts";
import { ConsolePage } from "../frame.tsx";
import { type ConsoleParts, crossing } from "../parts.ts";
import { ChartAssets } from "../usage/usage-page.tsx";
import { readRevenue } from "./read.ts";
import { RevenuePage } from "./revenue-page.tsx";

const columns = ["marketplace", "plan", "active", "trials", "recurring", "metered", "ending", "ended"] as const;

/** Mounted at `/console/revenue`, behind the sign-in. It only shows. */
export function revenueRoutes(parts: ConsoleParts): Router {
  const { catalog } = parts;

  const page: RequestHandler = async (request, response) => {
    const store = crossing(parts, request, "looked at the revenue");
    const revenue = await readRevenue(store, catalog);
    sendPage(
      response,
      <ConsolePage parts={parts} request={request} title="Revenue" section="/console/revenue" head={<ChartAssets />}>
        <RevenuePage revenue={revenue} now={store.operator.at} currency={currencyOf(catalog)} />
      </ConsolePage>,
    );
  };

  const csv: RequestHandler = async (request, response) => {
    const { countedAt, lines } = await readRevenue(crossing(parts, request, "took the revenue as a file"), catalog);
    const rows = lines.map((line) => ({
      ...line,
      recurring: amountOf(line.recurring),
      metered: amountOf(line.metered),
    }));
    const cells = rows.map((line) => [...columns.map((column) => line[column]), currencyOf(catalog), countedAt]);
    response.setHeader("Cache-Control", "no-store");
    response.attachment("revenue-estimate.csv");
    response.end(stringify([[...columns, "currency", "counted_at"], ...cells], { escape_formulas: true }));
  };

  const router = Router();
  router.get("/", page);
  router.get("/export.csv", csv);
  return router;
}

const amountOf = (cents: number | undefined): string => (cents === undefined ? "" : (cents / 100).toFixed(2));
