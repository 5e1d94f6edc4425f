import { setTimeout as sleep } from "node:timers/promises";
import type { Request, RequestHandler, Response } from "express";
import { render } from "preact-render-to-string";
import { ProviderError } from "../../../errors.ts";
import { type ConsoleParts, crossing } from "../parts.ts";
import { Board } from "./board.tsx";
import { readHome } from "./home-view.ts";

export interface LiveLimits {
  /** How many browsers one process keeps informed; more are told to come again. */
  readonly most: number;
  readonly everyMs: number;
  /** The browser then asks again by itself, and the sign-in is looked at again. */
  readonly longestMs: number;
}

const LIMITS: LiveLimits = { most: 50, everyMs: 10_000, longestMs: 120_000 };

/** The lights as server-sent events: at once, then every ten seconds, or a heartbeat where nothing is new. */
export function liveBoard(parts: ConsoleParts, limits: LiveLimits = LIMITS): RequestHandler {
  let open = 0;
  return async function answerLive(request, response) {
    if (open >= limits.most) {
      throw new ProviderError("rate_limited", "Too many browsers watch already.", { retryAfter: 60 });
    }
    open += 1;
    try {
      await tell(parts, limits, request, response);
    } finally {
      open -= 1;
      response.end();
    }
  };
}

async function tell(parts: ConsoleParts, limits: LiveLimits, request: Request, response: Response): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const store = crossing(parts, request, "watches the console's home");
  const names = [...parts.marketplaces.keys()];
  const board = async () => {
    const now = parts.clock.now();
    return render(<Board view={await readHome(store, names, now)} now={now} />);
  };
  let last = await board();
  response.writeHead(200, {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
  });
  response.write(eventOf(last));
  for (const until = performance.now() + limits.longestMs; performance.now() < until; ) {
    await sleep(limits.everyMs, undefined, { signal: gone.signal }).catch(() => undefined);
    if (gone.signal.aborted || response.destroyed) return;
    const next = await board();
    response.write(next === last ? ": still here\n\n" : eventOf(next));
    last = next;
  }
}

/** A line break would end the field. */
const eventOf = (html: string): string => `event: part\ndata: ${html.replaceAll(/[\r\n]+/g, " ")}\n\n`;
