import { DAY_MS } from "../../durations.ts";
import type { Aws } from "../model/world.ts";
import type { Draft, Message } from "./message.ts";
import { push } from "./push.ts";
import { notification } from "./sns-envelope.ts";
import { ASK_AGAIN_MS, topicConfirmed } from "./subscriptions.ts";

/**
 * Sends what happened in one step, one after the other, and waits for each first attempt. The fault switches lose,
 * delay, repeat or reverse them.
 */
export async function emit(aws: Aws, drafts: readonly Draft[]): Promise<void> {
  const messages = await Promise.all(drafts.map((draft) => keep(aws, draft)));
  if (messages.length > 1 && aws.faults.take("aws_reorder_events") !== undefined) messages.reverse();
  for (const message of messages) await release(aws, message);
}

const MOST_COPIES = 20;

async function release(aws: Aws, message: Message): Promise<void> {
  const { faults, clock } = aws;
  if (faults.take("aws_drop_events") !== undefined) {
    message.state = "dropped";
    return;
  }
  const delay = faults.take("aws_delay_events");
  if (delay !== undefined) {
    clock.at(clock.in(delay), () => void dispatch(aws, message));
    return;
  }
  const copies = Math.min(Math.max(faults.take("aws_repeat_events") ?? 1, 1), MOST_COPIES);
  for (let copy = 0; copy < copies; copy += 1) await dispatch(aws, message);
}

/** Sends a message by every way that is open, as it was sent before. Done once the first attempts are. */
export async function dispatch(aws: Aws, message: Message): Promise<void> {
  const { delivery, queue } = aws.state;
  if (delivery.queue) queue.send(queueText(aws, message));
  if (!delivery[message.channel] || aws.providerOrigin === undefined) {
    message.state = delivery.queue ? "queued" : "kept";
    return;
  }
  await deliver(aws, message);
}

/** Sends the messages that waited for the topic's confirmation, in their order. */
export async function deliverHeld(aws: Aws, topic: string): Promise<void> {
  const held = [...aws.state.messages.values()].filter((one) => one.topic === topic && one.state === "held");
  for (const message of held) await push(aws, message);
}

async function deliver(aws: Aws, message: Message): Promise<void> {
  const { clock, state, stopping } = aws;
  if (message.topic === null || (await topicConfirmed(aws, message.topic))) return push(aws, message);
  message.state = "held";
  if (clock.now().getTime() > message.createdAt.getTime() + DAY_MS) return;
  clock.at(clock.in(ASK_AGAIN_MS), () => {
    if (message.state === "held" && aws.state === state && !stopping.aborted) void deliver(aws, message);
  });
}

async function keep(aws: Aws, draft: Draft): Promise<Message> {
  const { messages } = aws.state;
  const body = draft.topic === null ? draft.body : await notification(aws, draft.topic, draft.body);
  const message: Message = {
    ...draft,
    id: String(messages.size + 1),
    createdAt: aws.clock.now(),
    text: JSON.stringify(body),
    state: "waiting",
    attempts: 0,
    status: null,
  };
  messages.set(message.id, message);
  return message;
}

/** An event's rule puts the event itself into the queue; SNS its envelope, unless delivery is raw. */
function queueText(aws: Aws, message: Message): string {
  const { snsForm } = aws.state.delivery;
  if (message.channel === "eventbridge" || snsForm === "wrapped") return message.text;
  if (snsForm === "raw") return JSON.stringify(message.body);
  return JSON.stringify({ ...JSON.parse(message.text), Message: message.body });
}
