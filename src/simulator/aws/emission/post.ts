import type { Aws } from "../model/world.ts";
import type { Channel } from "./message.ts";
import { subscriptionArn } from "./sns-envelope.ts";

/** How long each channel waits for an answer. */
const LIMITS_MS = { eventbridge: 5_000, sns: 15_000 } as const;

export interface Posting {
  readonly channel: Channel;
  readonly about: string;
  readonly type: string;
  readonly topic: string | null;
  readonly text: string;
}

/** One attempt; the answer's status, or null when there was none. */
export async function post(aws: Aws, posting: Posting): Promise<number | null> {
  const { channel, text } = posting;
  const url = `${aws.providerOrigin}/aws/${channel === "sns" ? "sns" : "events"}`;
  const headers = headersOf(aws, posting);
  const exchange = aws.journal.begin({
    direction: "to-provider",
    about: `${posting.type}, ${posting.about}`,
    method: "POST",
    url,
    request: { headers, body: text },
  });
  try {
    const signal = AbortSignal.any([AbortSignal.timeout(LIMITS_MS[channel]), aws.stopping]);
    const answer = await fetch(url, { method: "POST", headers, body: text, redirect: "manual", signal });
    const body = await answer.text();
    exchange.end({ status: answer.status, headers: Object.fromEntries(answer.headers), body });
    return answer.status;
  } catch (thrown) {
    exchange.end({ failure: `no answer: ${String(thrown)}` });
    return null;
  }
}

function headersOf(aws: Aws, { channel, type, topic }: Posting): Record<string, string> {
  if (channel === "eventbridge" || topic === null)
    return {
      "content-type": "application/json; charset=utf-8",
      "user-agent": "Amazon/EventBridge/ApiDestinations (simulated)",
      authorization: `Bearer ${aws.eventsSecret}`,
    };
  const confirms = type === "SubscriptionConfirmation";
  return {
    "content-type": "text/plain; charset=UTF-8",
    "user-agent": "Amazon Simple Notification Service Agent (simulated)",
    "x-amz-sns-message-type": confirms ? type : "Notification",
    "x-amz-sns-topic-arn": topic,
    ...(!confirms && { "x-amz-sns-subscription-arn": subscriptionArn(topic) }),
  };
}
