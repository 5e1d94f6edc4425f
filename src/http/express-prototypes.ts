import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Express } from "express";

/** Constructors for `http.createServer`, whose instances already have the prototypes Express is going to give them. */
export interface MessageClasses {
  readonly IncomingMessage: typeof IncomingMessage;
  readonly ServerResponse: typeof ServerResponse;
}

const prepared = new WeakMap<Express, MessageClasses | undefined>();

/**
 * Express calls `Object.setPrototypeOf` on each request and response, which slows every later property access down.
 * The classes made here inherit from `app.request` and `app.response` and then take their place, so that the call
 * changes nothing. A second call for the same app answers the same classes.
 *
 * Answers undefined, and leaves the app as it was, when this version of Node or Express does not bear it.
 */
export function expressPrototypes(app: Express): MessageClasses | undefined {
  if (!prepared.has(app)) prepared.set(app, prepare(app));
  return prepared.get(app);
}

function prepare(app: Express): MessageClasses | undefined {
  class AppRequest extends IncomingMessage {}
  class AppResponse<R extends IncomingMessage> extends ServerResponse<R> {}
  Object.setPrototypeOf(AppRequest.prototype, app.request);
  Object.setPrototypeOf(AppResponse.prototype, app.response);
  const classes: MessageClasses = { IncomingMessage: AppRequest, ServerResponse: AppResponse };
  if (!hold(classes)) return undefined;
  Object.assign(app, { request: AppRequest.prototype, response: AppResponse.prototype });
  return classes;
}

/** Builds one message of each kind as Node does, and tries what Node's and Express's side of it must be able to do. */
function hold(classes: MessageClasses): boolean {
  try {
    const request = new classes.IncomingMessage(new Socket());
    const response = new classes.ServerResponse(request);
    response.setHeader("X-Self-Test", "1");
    return (
      Object.getPrototypeOf(request) === classes.IncomingMessage.prototype &&
      Object.getPrototypeOf(response) === classes.ServerResponse.prototype &&
      response.getHeader("X-Self-Test") === "1" &&
      "hostname" in request &&
      "json" in response
    );
  } catch {
    return false;
  }
}
