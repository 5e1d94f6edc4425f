import type { RequestHandler } from "express";
import { sendPage } from "../../send-page.ts";
import { ConsolePage } from "../frame.tsx";
import { type ConsoleParts, crossing, personOf } from "../parts.ts";
import { EndpointPage } from "./endpoint-page.tsx";
import { EndpointList } from "./list-page.tsx";
import { noticeIn } from "./notice.ts";
import { titleOf } from "./place.ts";
import { readEndpoint, readEndpoints } from "./read.ts";

const LINES = 50;

/** The last steps of the routes that only show. */
export function endpointPages(parts: ConsoleParts) {
  const list: RequestHandler = async (request, response) => {
    const endpoints = await readEndpoints(crossing(parts, request, "looked at endpoints"));
    sendPage(
      response,
      <ConsolePage parts={parts} request={request} title="Endpoints" section="/console/endpoints">
        <EndpointList endpoints={endpoints} now={parts.clock.now()} />
      </ConsolePage>,
    );
  };

  const endpoint: RequestHandler = async (request, response) => {
    const { cursor, show } = request.query;
    const failed = show === "failed";
    const store = crossing(parts, request, "looked at an endpoint");
    const read = await readEndpoint(store, String(request.params["id"]), { failed, cursor }, LINES);
    const shown = {
      read,
      failed,
      first: cursor === undefined,
      now: parts.clock.now(),
      person: personOf(request),
      notice: noticeIn(request.query, read),
    };
    sendPage(
      response,
      <ConsolePage parts={parts} request={request} title={titleOf(read.endpoint)} section="/console/endpoints">
        <EndpointPage {...shown} />
      </ConsolePage>,
    );
  };

  return { list, endpoint };
}
