import { setTimeout as sleep } from "node:timers/promises";
import type { Request, RequestHandler, Response } from "express";
import { ProviderError } from "../errors.ts";
import { whenLeaving } from "../http/server.ts";

export interface LiveLimits {
  /** How many browsers one process keeps informed; more are told to come again. */
  readonly most: number;
  readonly everyMs: number;
  /** The browser then asks again by itself, and the sign-in is looked at again. */
  readonly longestMs: number;
}

/** A part of a page as it is now. */
export interface LivePart {
  readonly html: string;
  /** Nothing follows: the browser need not ask again. */
  readonly last?: boolean;
}

const LAST = "last";

/** A part as server-sent events: at once, then whenever it is another, with heartbeats between. */
export function liveParts(limits: LiveLimits, watch: (request: Request) => () => Promise<LivePart>): RequestHandler {
  let open = 0;
  return async function answerLive(request, response) {
    if (request.headers["last-event-id"] === LAST) {
      response.status(204).end();
      return;
    }
    if (open >= limits.most) {
      throw new ProviderError("rate_limited", "Too many browsers watch already.", { retryAfter: 60 });
    }
    open += 1;
    try {
      await tell(limits, watch(request), response, whenLeaving(request));
    } finally {
      open -= 1;
      response.end();
    }
  };
}

async function tell(
  limits: LiveLimits,
  look: () => Promise<LivePart>,
  response: Response,
  leaving: AbortSignal | undefined,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  // The browser then asks again by itself, and another process answers.
  const over = leaving === undefined ? gone.signal : AbortSignal.any([gone.signal, leaving]);
  let part = await look();
  response.writeHead(200, {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
  });
  response.write(eventOf(part));
  for (const until = performance.now() + limits.longestMs; performance.now() < until && part.last !== true; ) {
    await sleep(limits.everyMs, undefined, { signal: over }).catch(() => undefined);
    if (over.aborted || response.destroyed) return;
    const next = await look();
    response.write(next.html === part.html ? ": still here\n\n" : eventOf(next));
    part = next;
  }
}

/** A line break would end the field. */
const eventOf = ({ html, last }: LivePart): string =>
  `event: part\n${last === true ? `id: ${LAST}\n` : ""}data: ${html.replaceAll(/[\r\n]+/g, " ")}\n\n`;
