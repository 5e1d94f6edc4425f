import type { Aws } from "../model/world.ts";
import { post } from "./post.ts";
import { confirmation } from "./sns-envelope.ts";

/** A subscriber that has not confirmed is asked again so often, in real SNS over days. */
export const ASK_AGAIN_MS = 30_000;

/** Whether the provider has confirmed the topic's subscription; if not, it is asked to, at most every half minute. */
export async function topicConfirmed(aws: Aws, topic: string): Promise<boolean> {
  const { subscriptions } = aws.state;
  const known = subscriptions.get(topic);
  if (known?.confirmed === true) return true;
  if (known === undefined || known.askedAt.getTime() + ASK_AGAIN_MS <= aws.clock.now().getTime()) await ask(aws, topic);
  return subscriptions.get(topic)?.confirmed ?? false;
}

async function ask(aws: Aws, topic: string): Promise<void> {
  const { token, body } = await confirmation(aws, topic);
  aws.state.subscriptions.set(topic, { token, askedAt: aws.clock.now(), confirmed: false });
  await post(aws, {
    channel: "sns",
    about: topic,
    type: "SubscriptionConfirmation",
    topic,
    text: JSON.stringify(body),
  });
}

/** Whether the token was the topic's; the messages that waited for it are then to be sent. */
export function confirm({ state }: Aws, topic: string, token: string): boolean {
  const subscription = state.subscriptions.get(topic);
  if (subscription === undefined || subscription.token !== token) return false;
  state.subscriptions.set(topic, { ...subscription, confirmed: true });
  return true;
}
