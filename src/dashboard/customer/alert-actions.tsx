import type { Request, RequestHandler } from "express";
import { errorFacts, ProviderError } from "../../errors.ts";
import { type Share, shares } from "../../metering/alerts.ts";
import { isUuid } from "../../uuid.ts";
import type { DashboardOptions } from "../options.ts";
import { fieldOf, formToken } from "../own-forms.ts";
import { sendPage } from "../send-page.ts";
import { AlertSecretPage, AlertsPage } from "./alerts.tsx";
import { backWith, noticeOf } from "./notices.ts";
import { commandOn, signedInOn } from "./signed-in.ts";
import { loadView } from "./view.ts";

const PAGE = "/dashboard/alerts";
/** What the person can mend: said beside the form, and what was typed stays there. */
const SAID_IN_PLACE = new Set(["request_malformed", "quota_exceeded"]);

/** The last steps of the routes of alerts. */
export function alertActions(options: DashboardOptions) {
  const { provider, sessions } = options;
  const viewOf = (request: Request) => loadView(options, signedInOn(sessions, request), { size: 1 });

  const page: RequestHandler = async (request, response) => {
    const view = await viewOf(request);
    const notice = noticeOf(request.query["done"], view);
    sendPage(response, <AlertsPage view={view} token={formToken(request)} notice={notice} />);
  };

  const add: RequestHandler = async (request, response) => {
    const share = shareOf(fieldOf(request, "share"));
    const fields = { ...share, percent: fieldOf(request, "percent").trim(), to: fieldOf(request, "to").trim() };
    const { percent, to } = fields;
    const target = to.includes("://") ? { url: to } : { email: to };
    try {
      const command = commandOn(options, request);
      const { secret } = await provider.addUsageAlert({ ...command, ...share, percent: Number(percent), to: target });
      if (secret === undefined) return backWith(response, "alert-added", PAGE);
      const view = await viewOf(request);
      sendPage(response, <AlertSecretPage view={view} token={formToken(request)} secret={secret} url={to} />);
    } catch (fault) {
      if (!(fault instanceof ProviderError && SAID_IN_PLACE.has(fault.code))) throw fault;
      const refused = { fields, reason: reasonOf(fault) };
      const page = <AlertsPage view={await viewOf(request)} token={formToken(request)} refused={refused} />;
      sendPage(response, page, errorFacts[fault.code].status);
    }
  };

  const remove: RequestHandler = async (request, response) => {
    const alert = fieldOf(request, "alert");
    if (!isUuid(alert)) throw new ProviderError("request_malformed", "There is no such alert.");
    await provider.removeUsageAlert({ ...commandOn(options, request), alert });
    backWith(response, "alert-removed", PAGE);
  };

  return { page, add, remove };
}

/** `limit requests` */
function shareOf(text: string): { of: Share; dimension: string } {
  const [word, dimension, ...more] = text.split(" ");
  const of = shares.find((share) => share === word);
  if (of === undefined || dimension === undefined || more.length > 0)
    throw new ProviderError("request_malformed", "Choose one of what is offered.");
  return { of, dimension };
}

const fieldNames: Readonly<Record<string, string>> = {
  "/percent": "The share",
  "/url": "The address",
  "/email": "The e-mail address",
};

function reasonOf({ message, faults }: ProviderError): string {
  const said = (faults ?? []).map((fault) => `${fieldNames[fault.at] ?? "What it is of"} ${fault.message}.`);
  return said.length === 0 ? message : said.join(" ");
}
