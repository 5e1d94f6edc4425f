import type { Request, RequestHandler, Response } from "express";
import { ProviderError } from "../../../errors.ts";
import { filesOf } from "../../../http/body.ts";
import { differencesCsv, type Reconcile } from "../../../metering/differences.ts";
import { readLedger } from "../../../metering/ledger.ts";
import { formToken, ownUploads } from "../../own-forms.ts";
import { sendPage } from "../../send-page.ts";
import { ConsolePage } from "../frame.tsx";
import { type ConsoleParts, crossing } from "../parts.ts";
import { ReconcilePage, type ReconcileProps } from "./reconcile-page.tsx";

/** A seller's report of a month is far smaller. */
const MOST_BYTES = 20 * 1024 * 1024;

/**
 * Comparing what was billed with the seller's report, as `stallholder reconcile` does. Nothing of it is kept: who wants the
 * differences as a file sends the report to the address that answers with one.
 */
export function reconcilePages(parts: ConsoleParts) {
  const compare = oneAtATime(parts.reconcile);

  const show = (request: Request, response: Response, more: Partial<ReconcileProps> = {}, status = 200) => {
    const shown = {
      catalog: parts.catalog,
      token: formToken(request),
      available: parts.reconcile !== undefined,
      ...more,
    };
    sendPage(
      response,
      <ConsolePage parts={parts} request={request} title="Reconcile" section="/console/metering">
        <ReconcilePage {...shown} />
      </ConsolePage>,
      status,
    );
  };

  const compared = async (request: Request) => {
    const sent = filesOf(request);
    const files = { report: sent.get("report"), mapping: sent.get("mapping"), cloudtrail: sent.get("cloudtrail") };
    if (files.report === undefined && files.cloudtrail === undefined)
      return { faults: [{ at: "", message: "Choose a report or a log." }] };
    const store = crossing(parts, request, "compared what was billed with the seller's report");
    return compare(files, (from, until) => readLedger(store, from, until));
  };

  const page: RequestHandler = async (request, response) => {
    const outcome = await compared(request);
    if ("faults" in outcome) show(request, response, { faults: outcome.faults }, 422);
    else show(request, response, { outcome });
  };

  const csv: RequestHandler = async (request, response) => {
    const outcome = await compared(request);
    if ("faults" in outcome) return show(request, response, { faults: outcome.faults }, 422);
    response.setHeader("Cache-Control", "no-store");
    response.attachment("differences.csv").send(differencesCsv(outcome.differences));
  };

  const own = ownUploads(parts.publicUrl, MOST_BYTES);
  return { form: ((request, response) => show(request, response)) as RequestHandler, own, page, csv };
}

/** A large report takes the process seconds and some hundred megabytes: the second one waits for its turn. */
function oneAtATime(reconcile: Reconcile | undefined): Reconcile {
  let busy = false;
  return async (...asked) => {
    if (reconcile === undefined)
      throw new ProviderError("route_not_found", "No marketplace that is set up here writes a billing report.");
    if (busy)
      throw new ProviderError("unavailable", "Somebody else compares a report at this moment. Try again in a minute.");
    busy = true;
    try {
      return await reconcile(...asked);
    } finally {
      busy = false;
    }
  };
}
