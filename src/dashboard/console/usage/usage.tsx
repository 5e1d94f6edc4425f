import { stringify } from "csv-stringify/sync";
import { type RequestHandler, Router } from "express";
import { sendPage } from "../../send-page.ts";
import { ConsolePage } from "../frame.tsx";
import { type ConsoleParts, crossing } from "../parts.ts";
import { readLines, readPictures, wantedIn } from "./read.ts";
import { ChartAssets, UsagePage } from "./usage-page.tsx";

const columns = ["at", "marketplace", "plan", "dimension", "quantity", "events"] as const;

/** Mounted at `/console/usage`, behind the sign-in. It only shows. */
export function usageRoutes(parts: ConsoleParts): Router {
  const { catalog } = parts;

  const page: RequestHandler = async (request, response) => {
    const wanted = wantedIn(request.query, catalog);
    const store = crossing(parts, request, "looked at the usage of all");
    const pictures = await readPictures(store, wanted);
    sendPage(
      response,
      <ConsolePage parts={parts} request={request} title="Usage" section="/console/usage" head={<ChartAssets />}>
        <UsagePage wanted={wanted} pictures={pictures} now={store.operator.at} catalog={catalog} />
      </ConsolePage>,
    );
  };

  const csv: RequestHandler = async (request, response) => {
    const { range } = wantedIn(request.query, catalog);
    const lines = await readLines(crossing(parts, request, "took the usage of all as a file"), range);
    const cells = lines.map((line) => columns.map((column) => line[column]));
    response.setHeader("Cache-Control", "no-store");
    response.attachment("usage.csv");
    response.end(stringify([[...columns], ...cells], { escape_formulas: true }));
  };

  const router = Router();
  router.get("/", page);
  router.get("/export.csv", csv);
  return router;
}
