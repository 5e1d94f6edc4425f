import { type RequestHandler, Router } from "express";
import { ProviderError } from "../../../errors.ts";
import { sendPage } from "../../send-page.ts";
import { ConsolePage } from "../frame.tsx";
import { type ConsoleParts, crossing } from "../parts.ts";
import { DayPage } from "./day-page.tsx";
import { OverviewPage } from "./overview-page.tsx";
import { dayIn, keyIn, placeIn, readOverview, readUsage } from "./read.ts";
import { RecordPage } from "./record-page.tsx";

const LINES = 50;
const SECTION = "/console/metering";

/** Mounted at `/console/metering`, behind the sign-in. It only shows. */
export function meteringRoutes(parts: ConsoleParts): Router {
  const { clock, catalog, marketplaces } = parts;

  const overview: RequestHandler = async (request, response) => {
    const { after, before } = request.query;
    const places = { after: placeIn(after), before: placeIn(before) };
    const read = await readOverview(crossing(parts, request, "looked at the metering"), places, LINES);
    const at = { after: textOf(after), before: textOf(before) };
    const shown = {
      overview: read,
      now: clock.now(),
      catalog,
      closesMonths: marketplaces.has("aws"),
      limit: LINES,
      at,
    };
    sendPage(
      response,
      <ConsolePage parts={parts} request={request} title="Metering" section={SECTION}>
        <OverviewPage {...shown} />
      </ConsolePage>,
    );
  };

  const day: RequestHandler = async (request, response) => {
    const from = dayIn(request.query["day"], clock.now());
    const part = partIn(request.query["part"]);
    const store = crossing(parts, request, "looked at the tenant's usage");
    const read = await readUsage(store, String(request.params["tenant"]), from, 24);
    sendPage(
      response,
      <ConsolePage parts={parts} request={request} title={`Usage of ${read.name}`} section={SECTION}>
        <DayPage read={read} day={from} catalog={catalog} part={part} />
      </ConsolePage>,
    );
  };

  const record: RequestHandler = async (request, response) => {
    const { hour, dimension } = keyIn(request.query);
    const store = crossing(parts, request, "looked at a usage record");
    const read = await readUsage(store, String(request.params["tenant"]), hour, 1, dimension);
    const found = read.records.find((one) => one.dimension === dimension);
    if (found === undefined)
      throw new ProviderError("route_not_found", "The tenant has no usage of this dimension in this hour.");
    sendPage(
      response,
      <ConsolePage parts={parts} request={request} title={`Record of ${read.name}`} section={SECTION}>
        <RecordPage read={read} record={found} />
      </ConsolePage>,
    );
  };

  const router = Router();
  router.get("/", overview);
  router.get("/:tenant", day);
  router.get("/:tenant/record", record);
  return router;
}

const textOf = (given: unknown): string | undefined => (typeof given === "string" ? given : undefined);

function partIn(given: unknown): number {
  if (given === undefined) return 1;
  if (typeof given === "string" && /^[1-9]\d?$/.test(given)) return Number(given);
  throw new ProviderError("request_malformed", "There is no such part of the page.");
}
