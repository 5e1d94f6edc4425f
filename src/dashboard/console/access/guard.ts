import type { Request, RequestHandler } from "express";
import { wantsPart } from "../../send-page.ts";
import { letIn } from "../parts.ts";
import { returnTo } from "./return-to.ts";
import type { OperatorSessions } from "./sessions.ts";

/**
 * Lets signed-in people on. Others go to the sign-in and from there to the page they wanted; from a form, to the page that
 * shows it: nothing was done. A script is told to load the page again.
 */
export function signedInOnly(sessions: OperatorSessions): RequestHandler {
  return function refuseStrangers(request, response, next) {
    const person = sessions.current(request);
    if (person !== undefined) {
      letIn(request, person);
      return next();
    }
    if (wantsPart(request)) {
      response.setHeader("HX-Refresh", "true");
      return response.status(401).end();
    }
    if (request.headers.accept === "text/event-stream") return response.status(204).end();
    response.setHeader("Cache-Control", "no-store");
    response.redirect(303, `/console/sign-in?${new URLSearchParams(wayBack(request))}`);
  };
}

function wayBack(request: Request): Record<string, string> {
  if (request.method === "GET" || request.method === "HEAD") return { to: returnTo(request.originalUrl) };
  return { to: returnTo(pageOf(request.originalUrl)), undone: "1" };
}

/** A form posts to its own page or to a place below it. */
const pageOf = (url: string): string => url.replace(/\/[\w-]+(?:\?.*)?$/, "");
