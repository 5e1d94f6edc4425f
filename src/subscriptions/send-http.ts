import { Webhook } from "standardwebhooks";
import { systemClock } from "../clock.ts";
import type { CloudEvent } from "../events/envelope.ts";
import type { Reach } from "./address.ts";
import { ATTEMPT_LIMIT_MS, type Attempt, faultOf, textOf } from "./attempt.ts";
import { type PostAnswer, post } from "./post.ts";
import { secondsOf } from "./schedule.ts";

export interface HttpReceiver {
  readonly url: string;
  /** Each signs; none for a listener's own address. */
  readonly secrets: readonly string[];
  readonly reach: Reach;
  readonly limitMs?: number;
}

const GONE = 410;

/** One signed POST. Never throws: whatever goes wrong is what the attempt came to. */
export async function sendOverHttp(receiver: HttpReceiver, event: CloudEvent): Promise<Attempt> {
  const body = textOf(event);
  const { url, secrets, reach, limitMs = ATTEMPT_LIMIT_MS } = receiver;
  try {
    return understood(await post({ url, body, reach, limitMs, headers: headersOf(secrets, event.id, body) }));
  } catch (thrown) {
    return { outcome: "retry", fault: faultOf(thrown) };
  }
}

function headersOf(secrets: readonly string[], id: string, body: string) {
  // The receiver judges freshness by the real clock, so this one is not business time.
  const timestamp = systemClock.now();
  return {
    "content-type": "application/cloudevents+json; charset=utf-8",
    "user-agent": "stallholder",
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(timestamp.getTime() / 1_000)),
    "webhook-signature": secrets.map((secret) => new Webhook(secret).sign(id, timestamp, body)).join(" "),
  };
}

function understood({ status, retryAfter }: PostAnswer): Attempt {
  if (status >= 200 && status < 300) return { outcome: "delivered", status };
  const fault = `It answered ${status}${status >= 300 && status < 400 ? ": redirects are not followed" : ""}.`;
  const askedSeconds = secondsOf(retryAfter, systemClock.now());
  return { outcome: status === GONE ? "gone" : "retry", fault, status, ...(askedSeconds > 0 && { askedSeconds }) };
}
