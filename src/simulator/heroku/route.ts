import { type Request, type RequestHandler, type Response, Router } from "express";
import { asJsonObject, type JsonObject } from "../json.ts";
import { type Answer, isRefusal, type Refusal, refusalAnswer, refuse } from "./model/answers.ts";
import type { Addon, Platform } from "./model/platform.ts";
import type { Expansions } from "./model/views.ts";
import { faultedAnswer } from "./partner/faulted-answer.ts";

/** Who calls: a customer (any key), or the provider with the token of one add-on. */
export type Caller = { readonly kind: "customer" } | { readonly kind: "provider"; readonly addon: Addon };

export interface Call {
  readonly platform: Platform;
  readonly caller: Caller;
  readonly params: Readonly<Record<string, string>>;
  readonly query: JsonObject;
  readonly body: JsonObject;
  readonly expansions: Expansions;
  header(name: string): string | undefined;
}

export type Handler = (call: Call) => Answer | Refusal | Promise<Answer | Refusal>;

/** One row of a family's table: what is asked, who may ask, and the function that answers. */
export interface Route {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  readonly path: string;
  readonly who: "customer" | "provider" | "both" | "anybody";
  readonly answer: Handler;
}

export function routerOf(platform: Platform, routes: readonly Route[]): Router {
  const router = Router();
  for (const route of routes) router[route.method](route.path, serve(platform, route));
  return router;
}

/** Whatever else the provider asks for is forbidden; other callers go on to the 404. */
export function refuseUnknown(platform: Platform): RequestHandler {
  const answer = () => refuse(403, "forbidden", "The token of an add-on may not be used here.");
  const refuseCall = serve(platform, { method: "get", path: "", who: "both", answer });
  return (request, response, next) => {
    if (identify(platform, request)?.kind === "provider") refuseCall(request, response, next);
    else next();
  };
}

function serve(platform: Platform, route: Route): RequestHandler {
  return async (request, response) => {
    const caller = identify(platform, request);
    const record =
      caller === undefined || caller.kind === "provider" || route.who === "anybody" || route.who === "provider";
    const open = record ? beginExchange(platform, request, caller) : undefined;
    const answer = await answerCall(platform, route, request, caller);
    const headers = answer.headers ?? {};
    open?.end({ status: answer.status, headers, body: answer.body });
    send(response, answer);
  };
}

async function answerCall(
  platform: Platform,
  route: Route,
  request: Request,
  caller: Caller | undefined,
): Promise<Answer> {
  const concernsProvider = route.who === "anybody" || (caller !== undefined && caller.kind === "provider");
  const faulted = concernsProvider ? await faultedAnswer(platform) : undefined;
  if (faulted !== undefined) return faulted;
  const refusal = admission(route, caller);
  const result = refusal ?? (await route.answer(callOf(platform, request, caller ?? { kind: "customer" })));
  return isRefusal(result) ? refusalAnswer(result) : result;
}

/** Why the caller may not use this route, if so. */
function admission(route: Route, caller: Caller | undefined): Refusal | undefined {
  if (route.who === "anybody") return undefined;
  if (caller === undefined) return refuse(401, "unauthorized", "Invalid credentials provided.");
  if (route.who === "both" || route.who === caller.kind) return undefined;
  return caller.kind === "customer"
    ? refuse(401, "unauthorized", "Only the token of an add-on may be used here.")
    : refuse(403, "forbidden", "The token of an add-on may not be used here.");
}

const ACCESS_TOKEN = /^sim-access-/;
const NO_KEY = new Set(["", "undefined", "null"]);

/** Undefined = the token is unknown or has expired. No Authorization at all counts as a customer. */
function identify(platform: Platform, request: Request): Caller | undefined {
  const header = request.get("authorization");
  if (header === undefined) return { kind: "customer" };
  const key = header.replace(/^bearer\s*/i, "").trim();
  const token = platform.state.accessTokens.get(key);
  if (token === undefined) return ACCESS_TOKEN.test(key) || NO_KEY.has(key) ? undefined : { kind: "customer" };
  return token.expiresAt > platform.clock.now() ? { kind: "provider", addon: token.addon } : undefined;
}

function beginExchange(platform: Platform, request: Request, caller: Caller | undefined) {
  return platform.journal.begin({
    direction: "from-provider",
    about: caller?.kind === "provider" ? caller.addon.name : null,
    method: request.method,
    url: request.originalUrl.replace(/([?&](?:code|client_secret|refresh_token)=)[^&]*/g, "$1…"),
    request: { headers: request.headers, body: request.body },
  });
}

function callOf(platform: Platform, request: Request, caller: Caller): Call {
  const expansion = request.get("accept-expansion") ?? request.get("accept-inclusion") ?? "";
  return {
    platform,
    caller,
    params: Object.fromEntries(Object.entries(request.params).map(([name, value]) => [name, String(value)])),
    query: asJsonObject(request.query),
    body: asJsonObject(request.body),
    expansions: {
      plan: /(^|[,:\s])plan\b/.test(expansion),
      service: /addon_service/.test(expansion),
      message: request.get("x-heroku-legacy-provider-messages") === "true",
    },
    header: (name) => request.get(name),
  };
}

function send(response: Response, answer: Answer): void {
  response.set({ "RateLimit-Remaining": "4500", ...answer.headers });
  if (answer.body === undefined) response.status(answer.status).end();
  else response.status(answer.status).json(answer.body);
}
