import { csrfSync } from "csrf-sync";
import type { Request, RequestHandler } from "express";
import { ProviderError } from "../errors.ts";
import { formBody, formOf, uploadBody } from "../http/body.ts";

/** The hidden field that carries the session's token. */
export const TOKEN_FIELD = "csrf_token";

const FORM_LIMIT_BYTES = 16_384;

const { generateToken, isRequestValid } = csrfSync({ size: 32, getTokenFromRequest: tokenOf });

/** The token of this session for the forms of a page; made once per session. */
export function formToken(request: Request): string {
  return generateToken(request);
}

/**
 * The steps before every action: refuses a form that another site sent, reads it, and refuses it without the session's
 * token. Throws `csrf_refused`; nothing is done then.
 */
export function ownForms(publicUrl: string): readonly RequestHandler[] {
  return [refuseOtherSites(publicUrl), formBody(FORM_LIMIT_BYTES), refuseWithoutToken];
}

/** The same for a form with files, of so many bytes at most. */
export function ownUploads(publicUrl: string, limitBytes: number): readonly RequestHandler[] {
  return [refuseOtherSites(publicUrl), uploadBody(limitBytes), refuseWithoutToken];
}

/** The same for a form of somebody who is not signed in, and so has no token yet. */
export function ownFormsOfStrangers(publicUrl: string): readonly RequestHandler[] {
  return [refuseOtherSites(publicUrl), formBody(FORM_LIMIT_BYTES)];
}

/** The only value of a field; `request_malformed` when it is absent or comes twice. */
export function fieldOf(request: Request, name: string): string {
  const [value, ...more] = formOf(request).get(name) ?? [];
  if (value !== undefined && more.length === 0) return value;
  throw new ProviderError("request_malformed", "The form is incomplete.", {
    faults: [{ at: name, message: "must be there once" }],
  });
}

function tokenOf(request: Request): string | undefined {
  const values = formOf(request).get(TOKEN_FIELD) ?? [];
  return values.length === 1 ? values[0] : undefined;
}

/**
 * Browsers say where a form comes from: `Sec-Fetch-Site` on every secure address, `Origin` on others. Our pages send no
 * referrer, so on those others their own origin reads `null`: then the token decides alone.
 */
function refuseOtherSites(publicUrl: string): RequestHandler {
  return function refuseForeignForm({ headers }, _response, next) {
    const site = headers["sec-fetch-site"];
    const own = site === undefined ? [undefined, "null", publicUrl].includes(headers.origin) : site === "same-origin";
    next(own ? undefined : refusal());
  };
}

function refuseWithoutToken(...[request, , next]: Parameters<RequestHandler>): void {
  next(isRequestValid(request) ? undefined : refusal());
}

function refusal(): ProviderError {
  return new ProviderError(
    "csrf_refused",
    "This form is too old, or it did not come from our page. Nothing was changed. Please go back, reload, and try again.",
  );
}
