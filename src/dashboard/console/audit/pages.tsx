import type { RequestHandler } from "express";
import { sendPage } from "../../send-page.ts";
import { ConsolePage } from "../frame.tsx";
import { type ConsoleParts, crossing } from "../parts.ts";
import { AuditPage } from "./audit-page.tsx";
import { sendAuditCsv } from "./csv.ts";
import { auditWantedIn, placeIn, readAudit } from "./read.ts";

const LINES = 50;

/** The last steps of the routes. */
export function auditPages(parts: ConsoleParts) {
  const page: RequestHandler = async (request, response) => {
    const wanted = auditWantedIn(request.query);
    const before = placeIn(request.query["before"]);
    const read = await readAudit(crossing(parts, request, `read the audit of ${wanted.chain}`), wanted, before, LINES);
    const shown = { wanted, read, now: parts.clock.now(), first: before === undefined };
    sendPage(
      response,
      <ConsolePage parts={parts} request={request} title="Audit" section="/console/audit">
        <AuditPage {...shown} />
      </ConsolePage>,
    );
  };

  const csv: RequestHandler = (request, response) => {
    const wanted = auditWantedIn(request.query);
    return sendAuditCsv(crossing(parts, request, `exported the audit of ${wanted.chain}`), wanted, response);
  };

  return { page, csv };
}
