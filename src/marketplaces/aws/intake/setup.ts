import type { Request, RequestHandler, Response } from "express";
import { ProviderError } from "../../../errors.ts";
import { formOf } from "../../../http/body.ts";
import { noteRequest } from "../../../http/request-log.ts";
import type { BrowserSessions } from "../../../sso/browser-sessions.ts";
import { findLicence, type LicenceView } from "../licences/licence.ts";
import type { AwsOptions } from "../options.ts";
import { sendPage, sendPart } from "../pages/frame.tsx";
import type { NoticeKind } from "../pages/notice-page.tsx";
import { Progress, SetupPage, type SetupProps } from "../pages/setup-page.tsx";
import { contactOf, keepContact, readContact } from "./contact.ts";
import { isFormToken, type Reference, referenceOn } from "./reference.ts";
import { SETUP, sendNotice, signIn } from "./register.ts";
import { findToken } from "./register-licence.ts";

/** The steps behind the sign-up page; a browser is known by its reference alone. */
export function setupSteps(options: AwsOptions, sessions: BrowserSessions) {
  const page: RequestHandler = async (req, res) => {
    const found = await buyerOn(options, sessions, req, res);
    if (found === undefined) return;
    const saved = req.query["saved"] === "yes" && found.view?.licence.contact_sealed != null;
    const said = saved ? ({ tone: "good", text: "Saved. Thank you." } as const) : undefined;
    show(options, res, found, said && { said });
  };

  const progress: RequestHandler = async (req, res) => {
    const found = await buyerOn(options, sessions, req, res);
    if (found !== undefined) sendPart(res, Progress({ view: found.view }));
  };

  const contact: RequestHandler = async (req, res) => {
    const reference = referenceOn(options, req);
    const form = formOf(req);
    if (reference === undefined || !isFormToken(reference, form.get("form_token")?.[0])) throw refusedForm();
    const found = await buyerOn(options, sessions, req, res);
    if (found === undefined) return;
    const given = readContact(form);
    if (given === undefined) {
      const text = "Please give an e-mail address, and at most 200 characters in each field.";
      return show(options, res, found, { said: { tone: "bad", text }, status: 422 });
    }
    if (found.view === undefined) {
      const text = "AWS has not confirmed your purchase yet. Please save again in a moment.";
      return show(options, res, found, { said: { tone: "bad", text }, contact: given, status: 409 });
    }
    await keepContact(options, found.view.licence.key, given);
    res.redirect(303, `${SETUP}?saved=yes`);
  };

  return { page, progress, contact };
}

const refusedForm = (): ProviderError =>
  new ProviderError("csrf_refused", "This form is too old, or it did not come from our page. Nothing was changed.");

interface Buyer {
  readonly reference: Reference;
  /** Undefined while AWS has not said whose the token is. */
  readonly view: LicenceView | undefined;
}

/** Who is before the page. Signs in whoever registered here, once there is a tenant; answers by itself where nobody is. */
async function buyerOn(
  options: AwsOptions,
  sessions: BrowserSessions,
  req: Request,
  res: Response,
): Promise<Buyer | undefined> {
  const reference = referenceOn(options, req);
  const token = reference && (await findToken(options, reference.digest));
  if (reference === undefined || token === undefined) {
    if (sessions.current(req) === undefined) sendNotice(options, res, "arrive");
    else res.redirect(303, "/dashboard");
    return undefined;
  }
  if (token.fault !== null) {
    sendNotice(options, res, token.fault as NoticeKind);
    return undefined;
  }
  if (token.key === null) return { reference, view: undefined };
  const view = await findLicence(options.store, token.key);
  const tenant = view?.tenant?.id;
  if (tenant !== undefined) {
    noteRequest(req, { tenant });
    if (sessions.current(req)?.tenant !== tenant) await signIn(options, sessions, req, token.key, reference.digest);
  }
  return { reference, view };
}

interface Shown extends Pick<SetupProps, "said"> {
  readonly contact?: SetupProps["contact"];
  readonly status?: number;
}

function show(options: AwsOptions, res: Response, { reference, view }: Buyer, shown: Shown = {}): void {
  const contact = shown.contact ?? (view && contactOf(options, view.licence));
  const props = { options, view, contact, token: reference.formToken, ...(shown.said && { said: shown.said }) };
  sendPage(res, SetupPage(props), shown.status);
}

/** Browsers say where a form comes from; one of another site is refused whatever it holds. */
export function refuseForeignForms({ publicUrl }: AwsOptions): RequestHandler {
  return function refuseForeignForm({ headers }, _res, next) {
    const site = headers["sec-fetch-site"];
    const own = site === undefined ? [undefined, "null", publicUrl].includes(headers.origin) : site === "same-origin";
    next(own ? undefined : refusedForm());
  };
}
