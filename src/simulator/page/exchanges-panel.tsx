import type { Exchange, Half } from "../journal.ts";
import { Panel } from "./html.tsx";

const SHOWN = 100;

export function ExchangesPanel({ exchanges }: { exchanges: readonly Exchange[] }) {
  return (
    <Panel id="exchanges" title="Exchanges, newest first" live>
      {exchanges.length === 0 && <p class="quiet">Nothing has passed yet. Buy an add-on.</p>}
      {exchanges.slice(0, SHOWN).map((exchange) => (
        <ExchangeRow exchange={exchange} />
      ))}
    </Panel>
  );
}

function ExchangeRow({ exchange }: { exchange: Exchange }) {
  const { id, direction, method, url, answer, failure, ms, about, at } = exchange;
  const outgoing = direction === "to-provider";
  return (
    <details class="exchange" id={`exchange-${id}`}>
      <summary>
        <span class={outgoing ? "way out" : "way in"}>{outgoing ? "to provider" : "from provider"}</span>
        <span class="call">
          {method} {pathOf(url)}
        </span>
        <span class={toneOf(exchange)}>{answer ? answer.status : (failure ?? "under way")}</span>
        <span class="quiet">{ms === null ? "" : `${ms} ms`}</span>
      </summary>
      <p class="quiet">
        {id} · {at.slice(0, 19).replace("T", " ")}
        {about === null ? "" : ` · ${about}`}
      </p>
      <Passed title={`${method} ${url}`} half={exchange.request} />
      {answer && <Passed title={`Answer ${answer.status}`} half={answer} />}
    </details>
  );
}

function Passed({ title, half }: { title: string; half: Half }) {
  const headers = Object.entries(half.headers).map(([name, value]) => `${name}: ${String(value)}`);
  const body = half.body === undefined ? [] : ["", textOf(half.body)];
  return (
    <>
      <h3>{title}</h3>
      <pre>{[...headers, ...body].join("\n")}</pre>
    </>
  );
}

function textOf(body: unknown): string {
  return typeof body === "string" ? body : JSON.stringify(body, null, 2);
}

function pathOf(url: string): string {
  return new URL(url, "http://simulator").pathname;
}

function toneOf({ answer, failure }: Exchange): string {
  if (failure !== null || (answer && answer.status >= 500)) return "status bad";
  return answer && answer.status >= 400 ? "status poor" : "status";
}
