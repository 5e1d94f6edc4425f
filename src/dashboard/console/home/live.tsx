import type { RequestHandler } from "express";
import { render } from "preact-render-to-string";
import { type LiveLimits, liveParts } from "../../live.ts";
import { type ConsoleParts, crossing } from "../parts.ts";
import { Board } from "./board.tsx";
import { readHome } from "./home-view.ts";

const LIMITS: LiveLimits = { most: 50, everyMs: 10_000, longestMs: 120_000 };

/** The lights as server-sent events: at once, then every ten seconds, or a heartbeat where nothing is new. */
export function liveBoard(parts: ConsoleParts): RequestHandler {
  const names = [...parts.marketplaces.keys()];
  return liveParts(LIMITS, (request) => {
    const store = crossing(parts, request, "watches the console's home");
    return async () => {
      const now = parts.clock.now();
      return { html: render(<Board view={await readHome(store, names, now)} now={now} />) };
    };
  });
}
