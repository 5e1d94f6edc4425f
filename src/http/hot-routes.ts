import type { NextFunction, Request, RequestHandler, Response } from "express";

/**
 * Answers the few routes that are asked thousands of times a second: one look instead of a walk past every
 * route above. They are routes of the router as well, which takes what is not spelled exactly so.
 */
export function hotRoutes(routes: Readonly<Record<string, readonly RequestHandler[]>>): RequestHandler {
  const known = new Map(Object.entries(routes));
  return function answerHotRoute(req, res, next) {
    const handlers = known.get(`${req.method} ${req.url}`);
    return handlers === undefined ? next() : inTurn(handlers, req, res, next);
  };
}

/** As a route of Express does it: what a handler throws, rejects with or hands on is for the error handlers. */
async function inTurn(
  [handler, ...others]: readonly RequestHandler[],
  req: Request,
  res: Response,
  next: NextFunction,
): Promise<void> {
  if (handler === undefined) return next();
  await handler(req, res, (fault?: unknown) => {
    if (fault === undefined) inTurn(others, req, res, next).catch(next);
    else next(fault);
  });
}
