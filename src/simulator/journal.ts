import type { SimulatorClock } from "./clock.ts";
import { asJsonObject, parseJson } from "./json.ts";
import { withoutSecrets } from "./secrets.ts";

/** `to-provider`: the marketplace asked the provider. `from-provider`: the provider asked the marketplace. */
export type Direction = "to-provider" | "from-provider";

export interface Half {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/** One request and its answer as they passed, with secrets shortened. */
export interface Exchange {
  readonly id: number;
  readonly at: string;
  readonly direction: Direction;
  /** The purchase it is about, in the marketplace's words. */
  readonly about: string | null;
  readonly method: string;
  readonly url: string;
  readonly request: Half;
  readonly answer: (Half & { readonly status: number }) | null;
  /** Why there is no answer: time limit, refused connection. */
  readonly failure: string | null;
  readonly ms: number | null;
}

/** What the provider did wrong, in a sentence. */
export interface Verdict {
  readonly rule: string;
  readonly sentence: string;
  readonly exchange: number | null;
  readonly at: string;
}

export type ExchangeStart = Pick<Exchange, "direction" | "about" | "method" | "url" | "request">;
export type ExchangeEnd = { readonly status: number; readonly headers: Half["headers"]; readonly body: unknown };

export interface OpenExchange {
  readonly id: number;
  /** The first end counts. */
  end(how: ExchangeEnd | { readonly failure: string }): void;
}

export interface Journal {
  begin(start: ExchangeStart): OpenExchange;
  blame(rule: string, sentence: string, exchange: number | null): void;
  note(line: string): void;
  /** Newest first. */
  exchanges(): readonly Exchange[];
  verdicts(): readonly Verdict[];
  clear(): void;
}

/** Older exchanges and verdicts are dropped. */
const KEPT = 500;

export function createJournal(clock: SimulatorClock, onLine: (line: string) => void): Journal {
  let last = 0;
  const exchanges = new Map<number, Exchange>();
  const verdicts: Verdict[] = [];

  const keep = (exchange: Exchange): void => {
    exchanges.set(exchange.id, exchange);
    exchanges.delete(exchange.id - KEPT);
  };
  const finish = (open: Exchange, began: number, how: ExchangeEnd | { readonly failure: string }): void => {
    const current = exchanges.get(open.id);
    if (current !== open) return;
    const done = { ...open, ...ending(how), ms: Math.round(performance.now() - began) };
    keep(done);
    onLine(lineOf(done));
  };

  return {
    begin: (start) => {
      last += 1;
      const request = { headers: shownHeaders(start.request.headers), body: shownBody(start.request.body) };
      const open = {
        ...start,
        request,
        id: last,
        at: clock.now().toISOString(),
        answer: null,
        failure: null,
        ms: null,
      };
      const began = performance.now();
      keep(open);
      return { id: last, end: (how) => finish(open, began, how) };
    },
    blame: (rule, sentence, exchange) => {
      verdicts.unshift({ rule, sentence, exchange, at: clock.now().toISOString() });
      verdicts.length = Math.min(verdicts.length, KEPT);
      onLine(`✗ ${sentence}${exchange === null ? "" : ` (exchange ${exchange})`}`);
    },
    note: onLine,
    exchanges: () => [...exchanges.values()].reverse(),
    verdicts: () => verdicts,
    clear: () => {
      exchanges.clear();
      verdicts.length = 0;
    },
  };
}

function ending(how: ExchangeEnd | { readonly failure: string }): Pick<Exchange, "answer" | "failure"> {
  if ("failure" in how) return { answer: null, failure: how.failure };
  return {
    answer: { status: how.status, headers: shownHeaders(how.headers), body: shownBody(how.body) },
    failure: null,
  };
}

function shownHeaders(headers: Half["headers"]): Half["headers"] {
  return asJsonObject(withoutSecrets(headers));
}

function shownBody(body: unknown): unknown {
  if (typeof body !== "string") return withoutSecrets(body);
  return withoutSecrets(parseJson(body)?.value ?? body);
}

function lineOf(exchange: Exchange): string {
  const arrow = exchange.direction === "to-provider" ? "→" : "←";
  const path = new URL(exchange.url, "http://simulator").pathname;
  const end = exchange.answer ? String(exchange.answer.status) : (exchange.failure ?? "");
  return `${arrow} ${exchange.method} ${path} ${end} in ${exchange.ms} ms`;
}
