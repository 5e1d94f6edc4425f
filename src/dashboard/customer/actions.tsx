import type { Request, RequestHandler } from "express";
import { ProviderError } from "../../errors.ts";
import { isUuid } from "../../uuid.ts";
import type { DashboardOptions } from "../options.ts";
import { fieldOf, formToken } from "../own-forms.ts";
import { sendPage, sendPart, wantsPart } from "../send-page.ts";
import { awsActions } from "./aws-actions.tsx";
import { ConfigVarRow } from "./config-vars.tsx";
import { backWith } from "./notices.ts";
import { isOverlap } from "./overlaps.tsx";
import { OverviewPage } from "./overview.tsx";
import { FEW_EVENTS } from "./pages.tsx";
import { commandOn, signedInOn } from "./signed-in.ts";
import { loadView } from "./view.ts";

/** The last steps of the routes that change something. Each goes through the provider, in the name of the person. */
export function customerActions(options: DashboardOptions) {
  const { provider, sessions } = options;

  const commandOf = (request: Request) => commandOn(options, request);

  /** Answers with the page itself: a value must be neither in an address nor in the session. */
  const reveal: RequestHandler = async (request, response) => {
    const name = fieldOf(request, "name");
    const revealed = { name, value: await provider.revealConfigVar(commandOf(request), name) };
    const token = formToken(request);
    if (wantsPart(request)) return sendPart(response, <ConfigVarRow {...revealed} token={token} />);
    const view = await loadView(options, signedInOn(sessions, request), { size: FEW_EVENTS });
    sendPage(response, <OverviewPage view={view} token={token} revealed={revealed} />);
  };

  const rotate: RequestHandler = async (request, response) => {
    const overlap = fieldOf(request, "overlap");
    if (!isOverlap(overlap)) throw new ProviderError("request_malformed", "Choose one of the times that are offered.");
    const outcome = await provider.rotateCredentials({ ...commandOf(request), overlapSeconds: Number(overlap) });
    backWith(response, outcome.kind === "done" ? "rotated" : "rotating");
  };

  const revoke: RequestHandler = async (request, response) => {
    await provider.revokeCredential({ ...commandOf(request), credential: credentialOf(request) });
    backWith(response, "revoked");
  };

  const testConnection: RequestHandler = async (request, response) => {
    const name = fieldOf(request, "name");
    const tried = await provider.testConnection(commandOf(request), name);
    const notice = tried.works
      ? `${name} works: the database answered in ${tried.milliseconds} ms.`
      : `${name} does not work: the database gave no answer within three seconds, or refused the login.`;
    const view = await loadView(options, signedInOn(sessions, request), { size: FEW_EVENTS });
    sendPage(response, <OverviewPage view={view} token={formToken(request)} notice={notice} />);
  };

  const signOut: RequestHandler = async (request, response) => {
    await sessions.signOut(request);
    response.redirect(303, "/dashboard/signed-out");
  };

  return { reveal, rotate, revoke, testConnection, signOut, aws: awsActions(options, commandOf) };
}

function credentialOf(request: Request): string {
  const id = fieldOf(request, "credential");
  if (isUuid(id)) return id;
  throw new ProviderError("request_malformed", "There is no such credential.");
}
