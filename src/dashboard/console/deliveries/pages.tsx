import type { Request, RequestHandler, Response } from "express";
import type { ComponentChildren } from "preact";
import { ProviderError } from "../../../errors.ts";
import { fieldOf, formToken } from "../../own-forms.ts";
import { sendPage } from "../../send-page.ts";
import { ConsolePage } from "../frame.tsx";
import { type ConsoleParts, crossing, may, personOf } from "../parts.ts";
import { RetryPage } from "./retry-page.tsx";
import { listIn, readWork, retryGroup } from "./work.ts";
import { WorkPage } from "./work-page.tsx";

const LINES = 50;
/** So many of a group at once. */
const BATCH = 100;
const LONGEST_REASON = 300;

/** The last steps of the routes. */
export function workPages(parts: ConsoleParts) {
  const send = (request: Request, response: Response, title: string, page: ComponentChildren, status = 200) =>
    sendPage(
      response,
      <ConsolePage parts={parts} request={request} title={title} section="/console/deliveries">
        {page}
      </ConsolePage>,
      status,
    );

  const list: RequestHandler = async (request, response) => {
    const { cursor, done, left } = request.query;
    const list = listIn(request.query);
    const work = await readWork(crossing(parts, request, "looked at deliveries"), list, cursor, LINES);
    const shown = {
      list,
      work,
      now: parts.clock.now(),
      first: cursor === undefined,
      retries: may(personOf(request), "support"),
      told: countOf(done) === undefined ? undefined : { done: countOf(done) ?? 0, left: countOf(left) ?? 0 },
    };
    send(request, response, "Deliveries", <WorkPage {...shown} />);
  };

  const show = async (
    request: Request,
    response: Response,
    asked: Readonly<Record<string, unknown>>,
    fault?: string,
  ) => {
    const list = listIn(asked);
    const work = await readWork(crossing(parts, request, "looked at deliveries"), list, undefined, 1);
    const group = work.groups.find(({ group }) => group === groupIn(asked["group"]));
    if (group === undefined) throw new ProviderError("request_malformed", "Nothing of that group is left by now.");
    const shown = { list, group, batch: BATCH, token: formToken(request), fault };
    send(request, response, "Try all again", <RetryPage {...shown} />, fault === undefined ? 200 : 422);
  };

  const confirm: RequestHandler = (request, response) => show(request, response, request.query);

  const perform: RequestHandler = async (request, response) => {
    const asked = {
      of: fieldOf(request, "of"),
      state: fieldOf(request, "state"),
      group: groupIn(fieldOf(request, "group")),
    };
    const reason = fieldOf(request, "reason").trim().slice(0, LONGEST_REASON);
    const list = retriable(listIn(asked));
    if (reason === "")
      return show(request, response, asked, "Please say why: it stands in the history of each tenant.");
    const store = crossing(parts, request, reason);
    const { done, left } = await retryGroup(store, { ...list, group: asked.group, reason }, BATCH);
    const query = new URLSearchParams({ ...list, done: String(done), left: String(left) });
    response.redirect(303, `/console/deliveries?${query}`);
  };

  return { list, confirm, perform };
}

function retriable(list: ReturnType<typeof listIn>) {
  if (list.of === "calls" || list.state !== "given_up") return list;
  throw new ProviderError("request_malformed", "An operation that has failed is over. Nothing was done.");
}

function groupIn(given: unknown): string {
  if (typeof given === "string" && /^[\da-f]{32}$/.test(given)) return given;
  throw new ProviderError("request_malformed", "There is no such group. Nothing was done.");
}

const countOf = (given: unknown) => (typeof given === "string" && /^\d{1,4}$/.test(given) ? Number(given) : undefined);
