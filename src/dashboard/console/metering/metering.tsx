import { type Request, type RequestHandler, Router } from "express";
import { ProviderError } from "../../../errors.ts";
import { sendPage } from "../../send-page.ts";
import { ConsolePage } from "../frame.tsx";
import { type ConsoleParts, crossing, may, personOf } from "../parts.ts";
import { reconcilePages } from "../reconcile/reconcile.tsx";
import { actPath } from "../tenants/act-bar.tsx";
import { acts, isAct } from "../tenants/acts.ts";
import { DayPage } from "./day-page.tsx";
import { DryRunPage } from "./dry-run-page.tsx";
import { OverviewPage } from "./overview-page.tsx";
import { dayIn, keyIn, placeIn, readDryRun, readOverview, readUsage } from "./read.ts";
import { RecordPage } from "./record-page.tsx";

const LINES = 50;
const SECTION = "/console/metering";

/** Mounted at `/console/metering`, behind the sign-in. It only shows: what sends is an act on the tenant. */
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

  const sendPathFor = (request: Request, tenant: string) =>
    may(personOf(request), acts.send_now.role) ? actPath(tenant, "send_now") : undefined;

  const day: RequestHandler = async (request, response) => {
    const from = dayIn(request.query["day"], clock.now());
    const part = partIn(request.query["part"]);
    const store = crossing(parts, request, "looked at the tenant's usage");
    const read = await readUsage(store, String(request.params["tenant"]), from, 24);
    const { done } = request.query;
    const shown = { sendPath: sendPathFor(request, read.tenant), notice: isAct(done) ? acts[done].done : undefined };
    sendPage(
      response,
      <ConsolePage parts={parts} request={request} title={`Usage of ${read.name}`} section={SECTION}>
        <DayPage read={read} day={from} catalog={catalog} part={part} {...shown} />
      </ConsolePage>,
    );
  };

  const dryRun: RequestHandler = async (request, response) => {
    const part = partIn(request.query["part"]);
    const store = crossing(parts, request, "looked at what would be sent");
    const read = await readDryRun(store, String(request.params["tenant"]));
    const usage = marketplaces.get(read.marketplace)?.usage;
    sendPage(
      response,
      <ConsolePage parts={parts} request={request} title={`Dry run of ${read.name}`} section={SECTION}>
        <DryRunPage read={read} usage={usage} part={part} sendPath={sendPathFor(request, read.tenant)} />
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

  const reconcile = reconcilePages(parts);
  const router = Router();
  router.get("/", overview);
  router.get("/reconcile", reconcile.form);
  router.post("/reconcile/compared", ...reconcile.own, reconcile.page);
  router.post("/reconcile/differences", ...reconcile.own, reconcile.csv);
  router.get("/:tenant", day);
  router.get("/:tenant/dry-run", dryRun);
  router.get("/:tenant/record", record);
  return router;
}

const textOf = (given: unknown): string | undefined => (typeof given === "string" ? given : undefined);

function partIn(given: unknown): number {
  if (given === undefined) return 1;
  if (typeof given === "string" && /^[1-9]\d?$/.test(given)) return Number(given);
  throw new ProviderError("request_malformed", "There is no such part of the page.");
}
