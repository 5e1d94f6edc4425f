import { ProviderError } from "../../../errors.ts";

/** What Heroku answered; any status is an answer. */
export interface Reply {
  readonly status: number;
  /** Parsed JSON; undefined when there was none. */
  readonly body: unknown;
  /** Seconds, from `Retry-After`. */
  readonly retryAfter: number | undefined;
  /** Where a list goes on (status 206). */
  readonly nextRange: string | undefined;
}

export interface Sending {
  readonly method: "GET" | "POST" | "PATCH";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | URLSearchParams;
}

/** One call, from the first byte to the last. */
const CALL_MS = 8_000;
const ANSWER_LIMIT_BYTES = 1_048_576;
const LONGEST_RETRY_AFTER_SECONDS = 3_600;

/**
 * Sends one request to Heroku. It ends within 8 s, earlier when `attempt` does; redirects are not followed, because the
 * token is for one address; an answer over 1 MB is no answer. Throws `marketplace_unavailable` when there is none.
 */
export async function send(url: string, sending: Sending, attempt: AbortSignal): Promise<Reply> {
  const signal = AbortSignal.any([attempt, AbortSignal.timeout(CALL_MS)]);
  try {
    const headers = { "user-agent": "stallholder", ...sending.headers };
    const response = await fetch(url, { ...sending, headers, body: sending.body ?? null, redirect: "manual", signal });
    return {
      status: response.status,
      body: asJson(await limitedText(response)),
      retryAfter: secondsOf(response.headers.get("retry-after")),
      nextRange: response.headers.get("next-range") ?? undefined,
    };
  } catch (cause) {
    if (cause instanceof ProviderError) throw cause;
    const what = signal.aborted ? "did not answer in time" : "could not be reached";
    throw new ProviderError("marketplace_unavailable", `Heroku ${what}.`, { cause });
  }
}

async function limitedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > ANSWER_LIMIT_BYTES) throw new ProviderError("marketplace_unavailable", "Heroku's answer is too large.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function secondsOf(header: string | null): number | undefined {
  const value = Number(header);
  if (header === null || !Number.isFinite(value) || value < 0) return undefined;
  return Math.min(value, LONGEST_RETRY_AFTER_SECONDS);
}
