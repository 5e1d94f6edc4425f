import { isJsonObject, parseJson } from "../../json.ts";
import type { Platform } from "../model/platform.ts";
import type { ProviderCall, ProviderReply } from "./provider-call.ts";

/** The platform waits this long for an answer, in real time. */
const TIME_LIMIT_MS = 25_000;
const LARGEST_ANSWER = 1_000_000;

/** Sends the call once and records it. Never throws; no answer is a reply too. */
export async function send(platform: Platform, call: ProviderCall, body: unknown): Promise<ProviderReply> {
  const url = `${baseUrl(platform)}${call.path}`;
  const headers = headersFor(platform, body !== undefined);
  const exchange = platform.journal.begin({
    direction: "to-provider",
    about: call.addon.name,
    method: call.method,
    url,
    request: { headers, body },
  });
  const limit = Math.min(platform.faults.take("impatient") ?? TIME_LIMIT_MS, TIME_LIMIT_MS);
  const late = AbortSignal.timeout(limit);
  try {
    const answer = await fetch(url, {
      method: call.method,
      headers,
      redirect: "manual",
      signal: AbortSignal.any([late, platform.stopping]),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await readText(answer);
    exchange.end({ status: answer.status, headers: Object.fromEntries(answer.headers), body: text });
    return { exchange: exchange.id, status: answer.status, text, json: objectIn(text), failure: undefined };
  } catch (thrown) {
    const reason = late.aborted ? `no answer within ${limit / 1_000} seconds` : `no answer: ${wordsOf(thrown)}`;
    exchange.end({ failure: reason });
    const failure = late.aborted ? "time_limit" : "unreachable";
    return { exchange: exchange.id, status: 0, text: "", json: undefined, failure };
  }
}

/** What fetch says is in the cause. */
function wordsOf(thrown: unknown): string {
  return thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause.message : String(thrown);
}

function headersFor(platform: Platform, hasBody: boolean): Record<string, string> {
  const { id, api } = platform.state.manifest;
  return {
    accept: "application/vnd.heroku-addons+json; version=3",
    authorization: `Basic ${Buffer.from(`${id}:${api.password}`, "utf8").toString("base64")}`,
    "user-agent": "Heroku (simulated)",
    ...(hasBody && { "content-type": "application/json" }),
  };
}

/** The body as text; one that is too large counts as no answer. */
async function readText(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body ?? []) {
    size += chunk.length;
    if (size > LARGEST_ANSWER) throw new Error("the answer is larger than a megabyte");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  const value = parseJson(text)?.value;
  return isJsonObject(value) ? value : undefined;
}

function baseUrl({ providerOrigin, state }: Platform): string {
  return providerOrigin ? `${providerOrigin}/heroku/resources` : state.manifest.api.production.base_url;
}
