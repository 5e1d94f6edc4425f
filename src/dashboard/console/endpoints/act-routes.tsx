import type { Request, RequestHandler, Response } from "express";
import type { VNode } from "preact";
import { errorFacts, ProviderError } from "../../../errors.ts";
import { eventTypes } from "../../../events/catalogue.ts";
import type { EventType } from "../../../events/events.ts";
import { formOf } from "../../../http/body.ts";
import { fieldOf, formToken } from "../../own-forms.ts";
import { sendPage } from "../../send-page.ts";
import { ConsolePage } from "../frame.tsx";
import { type ConsoleParts, crossing } from "../parts.ts";
import { isOverlap } from "../tenants/acts.ts";
import { ConfirmPage, type ConfirmProps, OvertakenPage, SecretPage } from "./act-pages.tsx";
import { type EndpointActName, endpointActs, endpointPath } from "./acts.ts";
import { uuidIn } from "./notice.ts";
import { admitWish, readEndpoint } from "./read.ts";

const DAY_MS = 86_400_000;
const REMEMBERED_MS = 30 * DAY_MS;
const LONGEST_REASON = 300;

interface Form {
  readonly reason: string;
  readonly version: string;
  readonly seen: number;
  readonly delivery: string | undefined;
  readonly type: string | undefined;
  readonly overlap: string | undefined;
  readonly since: Date | undefined;
}

/** For the address that an act leads to; a secret is shown at once and goes into none. */
interface Told extends Readonly<Record<string, string>> {
  readonly secret?: string;
}

/** The page before an act, and the act. */
export function endpointActRoutes(parts: ConsoleParts, name: EndpointActName) {
  const { clock, subscriptions } = parts;
  const act = endpointActs[name];

  const send = (request: Request, response: Response, page: VNode, status = 200) =>
    sendPage(
      response,
      <ConsolePage parts={parts} request={request} title={act.title} section="/console/endpoints">
        {page}
      </ConsolePage>,
      status,
    );

  const show = async (request: Request, response: Response, more: Partial<ConfirmProps> = {}, status = 200) => {
    const store = crossing(parts, request, `${act.title}: looked at the endpoint`);
    const read = await readEndpoint(store, idIn(request), { failed: false }, 1);
    const since = sinceWhen(read.endpoint.failing_since, clock.now());
    const shown = { read, act: name, token: formToken(request), types: eventTypes, since };
    send(request, response, <ConfirmPage {...shown} {...more} />, status);
  };

  const confirm: RequestHandler = (request, response) => {
    const since = momentIn(request.query["since"]);
    return show(request, response, { delivery: uuidIn(request.query["delivery"]), ...(since && { since }) });
  };

  const perform: RequestHandler = async (request, response) => {
    const id = idIn(request);
    const form = formIn(request);
    const fault = faultOf(name, form, clock.now()) ?? (await misfit(request, form));
    if (fault !== undefined) {
      const { reason, delivery, since } = form;
      return show(request, response, { fault, filled: reason, delivery, ...(since && { since }) }, 422);
    }
    const { reason, seen, delivery, since } = form;
    const version = act.changes ? form.version : undefined;
    const store = crossing(parts, request, reason);
    const admitted = await admitWish(store, id, { act: name, reason, seen, version, delivery, since });
    if (!admitted.done) {
      const told = { ...admitted, act: name, now: clock.now() };
      return send(request, response, <OvertakenPage {...told} />, errorFacts.request_conflict.status);
    }
    const { secret, ...query } = await run(id, form);
    if (secret !== undefined)
      return send(request, response, <SecretPage endpoint={admitted.endpoint} secret={secret} />);
    response.redirect(303, `${endpointPath(id)}?${new URLSearchParams({ done: name, ...query })}`);
  };

  /** Whether it makes no sense with the endpoint as it is; a form that is too old is told so later. */
  const misfit = async (request: Request, { reason, version }: Form): Promise<string | undefined> => {
    const { endpoint } = await readEndpoint(crossing(parts, request, reason), idIn(request), { failed: false }, 1);
    const old = act.changes && version !== endpoint.version;
    return old || act.fits(endpoint) ? undefined : "This makes no sense with the endpoint as it is.";
  };

  /** What the page is told of it. */
  const run = async (id: string, form: Form): Promise<Told> => {
    switch (name) {
      case "test":
        return { delivery: (await subscriptions.tryOut(id, form.type as EventType)).id };
      case "recover": {
        const { owed, recoveredThrough } = await subscriptions.recover(id, form.since ?? clock.now());
        const through = recoveredThrough && new Date(recoveredThrough).toISOString();
        return { owed: String(owed), ...(through && { through }) };
      }
      case "rotate": {
        const { secret } = await subscriptions.rotateSecret(id, Number(form.overlap));
        return secret === undefined ? {} : { secret };
      }
      case "resend":
        await subscriptions.resend(id, String(form.delivery));
        return {};
      default:
        await subscriptions.change(id, { state: name === "enable" ? "on" : "off" });
        return {};
    }
  };

  return { confirm, perform };
}

/** Since it began to fail, or for a day: as far back as is known. */
function sinceWhen(failing: string | null, now: Date): Date {
  const begin = failing === null ? now.getTime() - DAY_MS : Date.parse(failing);
  return new Date(Math.max(begin, now.getTime() - REMEMBERED_MS + DAY_MS / 24));
}

const idIn = (request: Request): string => String(request.params["id"]);

/** What must be right before anything is asked for; worded for whoever fills the form in. */
function faultOf(name: EndpointActName, form: Form, now: Date): string | undefined {
  if (form.reason === "") return "Please say why: whoever looks at this endpoint later will want to know.";
  if (name === "test" && !eventTypes.some((type) => type === form.type)) return "There is no such type of event.";
  if (name === "rotate" && !isOverlap(form.overlap)) return "Choose one of the times that are offered.";
  if (name === "resend" && form.delivery === undefined) return "There is nothing to send again.";
  return name === "recover" ? sinceFault(form.since, now) : undefined;
}

function sinceFault(since: Date | undefined, now: Date): string | undefined {
  if (since === undefined) return "Write the time as 2026-05-10 14:30, in UTC.";
  if (since > now) return "That time is still to come.";
  if (now.getTime() - since.getTime() <= REMEMBERED_MS) return undefined;
  return "What was delivered more than 30 days ago is not known any more; `stallholder events replay` sends older events.";
}

const MOMENT = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(:\d\d(\.\d{1,3})?)?)Z?$/;

/** A time as a person writes it, in UTC. */
function momentIn(given: unknown): Date | undefined {
  const [, day, time] = MOMENT.exec(typeof given === "string" ? given.trim() : "") ?? [];
  const at = new Date(`${day}T${time}Z`);
  return Number.isNaN(at.getTime()) ? undefined : at;
}

function formIn(request: Request): Form {
  const optional = (name: string) => formOf(request).get(name)?.[0];
  const seen = Number(fieldOf(request, "seen"));
  if (!Number.isSafeInteger(seen) || seen < 0)
    throw new ProviderError("request_malformed", "This form is not one of ours. Nothing was done.");
  return {
    reason: fieldOf(request, "reason").trim().slice(0, LONGEST_REASON),
    version: fieldOf(request, "version"),
    seen,
    delivery: uuidIn(optional("delivery")),
    type: optional("type"),
    overlap: optional("overlap"),
    since: momentIn(optional("since")),
  };
}
