import type { IncomingMessage, ServerResponse } from "node:http";
import type { Express, RequestHandler } from "express";
import { answerJson, JSON_TYPE } from "./answer.ts";
import { requestId, type Watch } from "./request-log.ts";
import type { Headers } from "./security-headers.ts";

/** Answers a request with 200 and the JSON of what it resolves to. What it throws is answered by the app. */
export type HotRoute = (req: IncomingMessage) => Promise<object>;

export interface HotRoutes {
  /** By `METHOD /path`, spelled exactly so. Each is a route of the app as well (`answeredBy`), which takes the rest. */
  readonly routes: Readonly<Record<string, HotRoute>>;
  /** What every answer carries. */
  readonly headers: Headers;
  /** Those of the app (`watched`), which see what is answered here too. */
  readonly watches: readonly Watch[];
}

type Listener = (req: IncomingMessage, res: ServerResponse) => void;

const listeners = new WeakMap<Express, Listener>();
const failures = new WeakMap<IncomingMessage, { readonly fault: unknown }>();

/**
 * Has the few routes that are asked thousands of times a second answered before Express, which would take half of
 * their time. Only what succeeds is answered here: a request whose route throws goes through the app from its top, so
 * that there is one way to refuse, to log and to word an error. A second call for the same app replaces the first.
 */
export function answerFirst(app: Express, { routes, headers, watches }: HotRoutes): void {
  const known = new Map(Object.entries(routes));
  const common = headers.flat();

  const answer = async (route: HotRoute, req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const id = requestId(req);
    let text: string;
    try {
      text = JSON.stringify(await route(req));
    } catch (fault) {
      failures.set(req, { fault });
      return app(req, res);
    }
    for (const watch of watches) watch(req, res);
    const length = String(Buffer.byteLength(text));
    // Of a list, Node makes lines; each header that is set by its name is checked and kept first.
    res.writeHead(200, [...common, "X-Request-Id", id, "Content-Type", JSON_TYPE, "Content-Length", length]);
    res.end(text);
  };

  listeners.set(app, (req, res) => {
    const route = known.get(`${req.method} ${req.url}`);
    if (route === undefined) app(req, res);
    else void answer(route, req, res);
  });
}

/** What a server calls for each request: the app, behind its hot routes where it has any. */
export function listenerOf(app: Express): Listener {
  return listeners.get(app) ?? app;
}

/** The same route in the app: for other spellings of its address, and to throw again what it threw before Express. */
export function answeredBy(route: HotRoute): RequestHandler {
  return async function answerRoute(req, res) {
    const failed = failures.get(req);
    if (failed !== undefined) throw failed.fault;
    answerJson(res, 200, await route(req));
  };
}
