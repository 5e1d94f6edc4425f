import { setTimeout as sleep } from "node:timers/promises";
import type { Request, RequestHandler, Response } from "express";
import type { Form } from "../../../http/form.ts";
import { noteRequest } from "../../../http/request-log.ts";
import type { BrowserSessions } from "../../../sso/browser-sessions.ts";
import type { Unresolved } from "../api/resolve-customer.ts";
import { isLiving } from "../licences/chain.ts";
import { findLicence } from "../licences/licence.ts";
import { settleLicence } from "../licences/settle.ts";
import { isFault } from "../licences/settling.ts";
import { AWS, type AwsOptions } from "../options.ts";
import { sendPage } from "../pages/frame.tsx";
import { type NoticeKind, NoticePage, notices } from "../pages/notice-page.tsx";
import { contactOf } from "./contact.ts";
import { giveReference } from "./reference.ts";
import { digestOf, findToken, type NewToken, parkToken, type Registered, registerLicence } from "./register-licence.ts";
import { registrationOf } from "./registration-body.ts";

const TOKEN = "x-amzn-marketplace-token";
const OFFER_TYPE = "x-amzn-marketplace-offer-type";
const LONGEST_TOKEN = 16_384;

/** A buyer waits: AWS gets this long, and then the page goes on asking. */
const RESOLVE_MS = 6_000;
const SETTLE_MS = 6_000;

export const SETUP = "/aws/setup";
const DASHBOARD = "/dashboard";

export function sendNotice(options: AwsOptions, res: Response, kind: NoticeKind): void {
  sendPage(res, NoticePage({ options, kind }), notices[kind].status);
}

/**
 * `POST /register`, the fulfilment URL. The token is resolved here and now, is stored as a digest only, and goes nowhere
 * else. The same token again changes nothing and signs nobody in. A new token for a licence that has a tenant signs its
 * buyer in: that is how they come back.
 */
export function register(options: AwsOptions, sessions: BrowserSessions): RequestHandler {
  return async function register(req, res) {
    const token = tokenIn(registrationOf(req));
    if (token === undefined) return sendNotice(options, res, "mangled");
    const { value, trial } = token;
    const digest = digestOf(value);
    if ((await findToken(options, digest)) !== undefined) return go(res, SETUP);
    const resolved = await options.api.resolveCustomer(value, AbortSignal.timeout(RESOLVE_MS));
    if (resolved.kind !== "resolved") return answerUnresolved(options, res, resolved, { digest, trial }, value);
    const registered = await registerLicence(options, { digest, trial }, resolved);
    if (registered.kind === "repeated") return go(res, SETUP);
    if (registered.kind !== "registered") return refuse(options, res, registered);
    giveReference(options, res, digest);
    await settleSoon(options, registered.key);
    const isIn = await signIn(options, sessions, req, registered.key, digest);
    go(res, isIn && registered.returns ? DASHBOARD : SETUP);
  };
}

/** White space in a token shows that somebody decoded it twice: `+` has become a space. */
function tokenIn(form: Form): { readonly value: string; readonly trial: boolean } | undefined {
  const [value = "", ...more] = form.get(TOKEN) ?? [];
  const isWhole = value !== "" && more.length === 0 && value.length <= LONGEST_TOKEN && !/\s/.test(value);
  return isWhole ? { value, trial: form.get(OFFER_TYPE)?.[0] === "free-trial" } : undefined;
}

function go(res: Response, to: string): void {
  res.setHeader("Cache-Control", "no-store");
  res.redirect(303, to);
}

/**
 * What AWS could not say now it is asked again, and the buyer's page waits for it. A fault of our own settings is told to us
 * by the log and a metric, and to the buyer only that it is ours.
 */
async function answerUnresolved(
  options: AwsOptions,
  res: Response,
  unresolved: Unresolved,
  token: NewToken,
  value: string,
): Promise<void> {
  if (unresolved.kind === "invalid_token" || unresolved.kind === "expired_token")
    return sendNotice(options, res, unresolved.kind);
  if (await parkToken(options, token, value)) giveReference(options, res, token.digest);
  if (unresolved.kind !== "misconfigured") return go(res, SETUP);
  const { code, message } = unresolved;
  options.logger.error({ code, answer: message }, "AWS refuses our own access: registrations cannot be resolved");
  options.metrics?.countOperation({ marketplace: AWS, operation: "resolve_customer", outcome: "misconfigured" }, 0);
  sendNotice(options, res, "not_now");
}

function refuse(
  options: AwsOptions,
  res: Response,
  { kind }: Registered & { kind: "other_product" | "other_account" },
): void {
  options.logger.error({ kind }, "a registration was refused");
  options.metrics?.countOperation({ marketplace: AWS, operation: "register", outcome: kind }, 0);
  sendNotice(options, res, kind);
}

/** Usually the licence event was here first: then the tenant is made while the buyer waits, within bounds. */
async function settleSoon(options: AwsOptions, key: string): Promise<void> {
  const until = performance.now() + SETTLE_MS;
  const settled = settleLicence(options, key).catch((fault: unknown) => {
    options.logger.warn({ err: fault, licence: key }, "a licence is not settled yet");
    return true;
  });
  let isOver = await Promise.race([settled, sleep(SETTLE_MS, true, { ref: false })]);
  // Another process may have it: a look now and then, until it is done.
  while (!isOver && performance.now() < until) {
    const view = await findLicence(options.store, key);
    isOver = view === undefined || view.licence.lease === null || view.tenant !== null;
    if (!isOver) await sleep(150);
  }
}

/** Signs the browser in if there is a tenant for it; each registration does so once. */
export async function signIn(
  options: AwsOptions,
  sessions: BrowserSessions,
  req: Request,
  key: string,
  digest: string,
): Promise<boolean> {
  const view = await findLicence(options.store, key);
  if (view === undefined || view.tenant === null || !isLiving(view.tenant.state)) return false;
  const { clock, provider } = options;
  const now = clock.now();
  const { account, customer } = view.licence;
  try {
    const who = await provider.signIn({
      ref: { tenant: view.tenant.id },
      person: { id: `AWS account ${account ?? customer ?? ""}`, email: contactOf(options, view.licence)?.email ?? "" },
      tokenDigests: [digest],
      tokenEnds: new Date(now.getTime() + 86_400_000),
      by: "marketplace:aws",
      at: now,
    });
    noteRequest(req, { tenant: who.tenant });
    await sessions.signIn(req, who);
    return true;
  } catch (fault) {
    if (isFault(fault, "signin_refused")) return false;
    throw fault;
  }
}
