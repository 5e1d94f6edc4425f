import type { Request } from "express";
import { type ErrorCode, errorFacts, type ProviderError } from "../../../errors.ts";
import { type ErrorShape, errorAnswer } from "../../../http/problem.ts";

/** Whether a browser sent the request, to sign its customer in: then an error is a page. */
export function isSignIn({ method, path }: Request): boolean {
  if (method === "POST") return /^\/sso\/?$/i.test(path);
  return (method === "GET" || method === "HEAD") && /^\/resources\/[^/]+\/?$/i.test(path);
}

/** Faults of our own, which the customer may wait out. Whatever else is wrong is a sign-in refused. */
const ours: readonly ErrorCode[] = ["internal", "unavailable", "tenant_mismatch", "config_invalid"];

const pages: ErrorShape = {
  type: "text/html; charset=utf-8",
  challenge: "",
  status: ({ code }: ProviderError) => (ours.includes(code) ? errorFacts[code].status : 403),
  body: ({ code }: ProviderError) => (ours.includes(code) ? failedPage : refusedPage),
};

/** A refused sign-in is 403 with always the same page: it does not say what was wrong. */
export const pageAnswer = errorAnswer(pages);

const page = (title: string, text: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
  `<title>${title}</title></head><body><main><h1>${title}</h1><p>${text}</p></main></body></html>\n`;

const refusedPage = page(
  "This sign-in link does not work",
  "It works once, for a few minutes. Please open the add-on again from Heroku.",
);

const failedPage = page("The sign-in did not work", "Something failed on our side. Please open the add-on again.");
