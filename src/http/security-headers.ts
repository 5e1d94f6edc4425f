import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { RequestHandler } from "express";
import helmet from "helmet";

const YEAR_SECONDS = 31_536_000;

const contentSecurityPolicy = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", "data:"],
    connectSrc: ["'self'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
    baseUri: ["'none'"],
  },
};

export type Headers = readonly (readonly [name: string, value: string])[];

/** Sets helmet's headers on every answer. A page that needs another value sets the header again. */
export function securityHeaders(options: { https: boolean }): RequestHandler {
  const headers = headersOfHelmet(options);
  return function setSecurityHeaders(_req, res, next) {
    for (const [name, value] of headers) res.setHeader(name, value);
    res.removeHeader("X-Powered-By");
    next();
  };
}

/**
 * They never change, so helmet runs once, on an answer that goes nowhere, and what it set is copied from then on. With `https` (the public
 * address is https) browsers are told to stay there for a year.
 */
export function headersOfHelmet({ https }: { https: boolean }): Headers {
  const req = new IncomingMessage(new Socket());
  const res = new ServerResponse(req);
  const setHeaders = helmet({
    contentSecurityPolicy,
    referrerPolicy: { policy: "no-referrer" },
    strictTransportSecurity: https && { maxAge: YEAR_SECONDS, includeSubDomains: false },
    xFrameOptions: { action: "deny" },
  });
  setHeaders(req, res, () => undefined);
  return Object.freeze(res.getHeaderNames().map((name) => [name, String(res.getHeader(name))] as const));
}
