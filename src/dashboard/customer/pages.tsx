import type { RequestHandler } from "express";
import { ProviderError } from "../../errors.ts";
import { type HistoryRange, usageByHour, usageHistory } from "../../metering/history.ts";
import { Layout } from "../layout.tsx";
import type { DashboardOptions } from "../options.ts";
import { formToken } from "../own-forms.ts";
import { sendPage, sendPart } from "../send-page.ts";
import { ActivityPage } from "./activity.tsx";
import { activityCsv, activityKindOf, activityKinds } from "./activity-filter.ts";
import { noticeOf } from "./notices.ts";
import { OverviewPage } from "./overview.tsx";
import { signedInOn } from "./signed-in.ts";
import { isPending, StatusStrip } from "./status.tsx";
import { isHistoryRange, UsageHistoryPage, usageCsv } from "./usage-history.tsx";
import { loadView } from "./view.ts";

/** Events on the overview, and on each page of the activity. */
export const FEW_EVENTS = 8;
const MANY_EVENTS = 50;
/** The export of everything has those before. */
const EVENTS_OF_FILE = 5_000;

/** The last steps of the routes that only show. */
export function customerPages(options: DashboardOptions) {
  const { sessions } = options;

  const overview: RequestHandler = async (request, response) => {
    const view = await loadView(options, signedInOn(sessions, request), { size: FEW_EVENTS });
    const notice = noticeOf(request.query["done"], view);
    sendPage(response, <OverviewPage view={view} token={formToken(request)} notice={notice} />);
  };

  const activity: RequestHandler = async (request, response) => {
    const before = sequenceOf(request.query["before"]);
    const kind = activityKindOf(request.query["kind"]);
    const view = await loadView(options, signedInOn(sessions, request), {
      size: MANY_EVENTS,
      before,
      begins: activityKinds[kind].begins,
    });
    sendPage(response, <ActivityPage view={view} token={formToken(request)} kind={kind} />);
  };

  const activityCsvFile: RequestHandler = async (request, response) => {
    const kind = activityKindOf(request.query["kind"]);
    const view = await loadView(options, signedInOn(sessions, request), {
      size: EVENTS_OF_FILE,
      begins: activityKinds[kind].begins,
    });
    response.setHeader("Cache-Control", "no-store");
    response.attachment("activity.csv").send(activityCsv(view.events, view));
  };

  const usage: RequestHandler = async (request, response) => {
    const range = rangeOf(request.query["range"]);
    const who = signedInOn(sessions, request);
    const view = await loadView(options, who, { size: 1 });
    const steps = await options.store.asTenant(who.tenant, (tx) => usageHistory(tx, range, view.now));
    sendPage(response, <UsageHistoryPage view={view} token={formToken(request)} range={range} steps={steps} />);
  };

  const usageCsvFile: RequestHandler = async (request, response) => {
    const range = rangeOf(request.query["range"]);
    const { tenant } = signedInOn(sessions, request);
    const hours = await options.store.asTenant(tenant, (tx) => usageByHour(tx, range, options.clock.now()));
    response.setHeader("Cache-Control", "no-store");
    response.attachment(`usage-${range}.csv`).send(usageCsv(hours));
  };

  /** Asked again and again while something is under way; when it is over, the page is loaded anew. */
  const status: RequestHandler = async (request, response) => {
    const view = await loadView(options, signedInOn(sessions, request), { size: 1 });
    if (!isPending(view)) response.setHeader("HX-Refresh", "true");
    sendPart(response, <StatusStrip view={view} />);
  };

  const signedOut: RequestHandler = (_request, response) => {
    const product = options.catalog.name;
    sendPage(
      response,
      <Layout title="Signed out" product={product}>
        <section class="card alone">
          <h1>You are signed out</h1>
          <p>To come back, open {product} from the marketplace where you bought it.</p>
        </section>
      </Layout>,
    );
  };

  return { overview, activity, activityCsv: activityCsvFile, usage, usageCsv: usageCsvFile, status, signedOut };
}

function rangeOf(given: unknown): HistoryRange {
  if (given === undefined) return "24h";
  if (isHistoryRange(given)) return given;
  throw new ProviderError("request_malformed", "Usage is shown for 24h, 7d or 30d.");
}

/** A sequence number of an address, absent or digits. */
function sequenceOf(given: unknown): number | undefined {
  if (given === undefined) return undefined;
  if (typeof given === "string" && /^[1-9]\d{0,14}$/.test(given)) return Number(given);
  throw new ProviderError("request_malformed", "There is no such page of the activity.");
}
