import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestHandler } from "express";
import { errorFacts, type ProviderError } from "../errors.ts";
import type { Logger } from "../log.ts";

/** What a route may add to the line of its request. */
interface RequestNotes {
  readonly marketplace?: string;
  readonly tenant?: string;
  readonly operation?: string;
  readonly error?: ProviderError;
}

interface KnownRequest {
  readonly id: string;
  readonly startedAt: number;
  notes: RequestNotes;
  /** Who wants to hear of the answer. */
  readonly listeners: ((seconds: number) => void)[];
}

// A property and not a WeakMap, which would take more of a short request than the rest of what is done here.
const known = Symbol("known request");

interface MaybeKnown {
  [known]?: KnownRequest;
}

/** The id that names a request in the log, in its answer's `X-Request-Id` and in the errors shown to the caller. */
export function requestId(req: IncomingMessage): string {
  return knownRequest(req).id;
}

/** Adds to the line that will be written for this request; a later note of the same name replaces the earlier. */
export function noteRequest(req: IncomingMessage, notes: RequestNotes): void {
  const request = knownRequest(req);
  request.notes = { ...request.notes, ...notes };
}

function knownRequest(req: IncomingMessage): KnownRequest {
  const before = (req as MaybeKnown)[known];
  if (before !== undefined) return before;
  const request = { id: givenId(req) ?? randomUUID(), startedAt: performance.now(), notes: {}, listeners: [] };
  (req as MaybeKnown)[known] = request;
  return request;
}

/**
 * Calls `heard` when the answer is out or its client has gone, with the seconds since the first handler saw the request.
 */
export function whenAnswered(req: IncomingMessage, res: ServerResponse, heard: (seconds: number) => void): void {
  const { listeners, startedAt } = knownRequest(req);
  const seconds = (): number => (performance.now() - startedAt) / 1_000;
  if (res.closed) heard(seconds());
  else if (listeners.push(heard) === 1) {
    res.on("close", () => {
      for (const listener of listeners) listener(seconds());
    });
  }
}

/** Looks at a request and, by `whenAnswered`, at what came of it. */
export type Watch = (req: WatchedRequest, res: ServerResponse) => void;

/** What Express adds is missing before a request is its own. */
export interface WatchedRequest extends IncomingMessage {
  readonly originalUrl?: string;
  readonly ip?: string | undefined;
}

const saneId = /^[\w.-]{8,128}$/;

/** Heroku's router sends `X-Request-Id`, its add-on calls `Request-Id`; one that is no plain word is not repeated. */
function givenId(req: IncomingMessage): string | undefined {
  const given = req.headers["x-request-id"] ?? req.headers["request-id"];
  return typeof given === "string" && saneId.test(given) ? given : undefined;
}

/** Gives each request its id and shows it to `watches`. The first handler of an app. */
export function watched(...watches: readonly Watch[]): RequestHandler {
  return function watchRequest(req, res, next) {
    res.setHeader("X-Request-Id", requestId(req));
    for (const watch of watches) watch(req, res);
    next();
  };
}

interface RequestLogOptions {
  readonly logger: Logger;
  /** Paths whose successful answers are worth a line only at level `debug`. */
  readonly quiet?: readonly string[];
}

/** Probes, and what the product asks with every call of its own customers: metrics count them, and a line each says nothing. */
const QUIET = ["/livez", "/readyz", "/metrics", "/v1/usage", "/v1/keys/verify"];

/** Writes one line when an answer is out, or when the client has gone before. */
export function logRequests({ logger, quiet = QUIET }: RequestLogOptions): Watch {
  const quietPaths = new Set(quiet);
  return function logAnswer(req, res) {
    const request = knownRequest(req);
    whenAnswered(req, res, (seconds) => {
      const path = pathOf(req);
      const level = levelOf(res.statusCode, quietPaths.has(path));
      if (logger.isLevelEnabled(level)) logger[level](lineOf(req, res, request, path, seconds), "answered");
    });
  };
}

function levelOf(status: number, quiet: boolean): "error" | "warn" | "info" | "debug" {
  if (status >= 500) return "error";
  if (status >= 400) return "warn";
  return quiet ? "debug" : "info";
}

const MAX_PATH = 256;

/** A mounted router sees the rest of it as `url`. */
export const addressOf = (req: WatchedRequest): string => req.originalUrl ?? req.url ?? "";

/** Without the query, which may hold a token. */
function pathOf(req: WatchedRequest): string {
  const [path = ""] = addressOf(req).split("?", 1);
  return path.slice(0, MAX_PATH);
}

function lineOf(
  req: WatchedRequest,
  res: ServerResponse,
  request: KnownRequest,
  path: string,
  seconds: number,
): object {
  const { marketplace, tenant, operation, error } = request.notes;
  const failed = res.statusCode >= 400;
  return {
    request: request.id,
    method: req.method,
    path,
    status: res.statusCode,
    ms: Math.round(seconds * 10_000) / 10,
    marketplace,
    tenant,
    operation,
    aborted: res.writableFinished ? undefined : true,
    source: failed ? req.ip : undefined,
    code: error?.code,
    err: error !== undefined && errorFacts[error.code].status >= 500 ? error : undefined,
  };
}
