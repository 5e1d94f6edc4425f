import type { Request, Response } from "express";
import type { VNode } from "preact";
import { render } from "preact-render-to-string";
import { answerText } from "../http/answer.ts";

const HTML = "text/html; charset=utf-8";

/** Sends a whole page. Pages show what only the signed-in person may see, so nobody keeps a copy. */
export function sendPage(response: Response, page: VNode, status = 200): void {
  response.setHeader("Cache-Control", "no-store");
  answerText(response, status, HTML, pageText(page));
}

/** Sends a part of a page to a script that asked for it. */
export function sendPart(response: Response, part: VNode): void {
  response.setHeader("Cache-Control", "no-store");
  answerText(response, 200, HTML, render(part));
}

export function pageText(page: VNode): string {
  return `<!doctype html>${render(page)}`;
}

/** The request comes from htmx and wants a part instead of a page. */
export function wantsPart(request: Request): boolean {
  return request.headers["hx-request"] === "true";
}
