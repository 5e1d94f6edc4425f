import { createHmac, randomUUID } from "node:crypto";
import type { Delivery, Platform, Webhook } from "../model/platform.ts";

const DELIVERY_LIMIT_MS = 10_000;
/** A `sync` delivery is tried this often, over about seven days. */
const MOST_TRIES = 180;
const LONGEST_PAUSE_MS = 3_600_000;
const FIRST_PAUSE_MS = 1_000;

/** `notify`: one try, at once. `sync`: in order and tried again, so a stuck delivery holds up the later ones. */
export function deliver(platform: Platform, delivery: Delivery): void {
  const { webhook } = delivery;
  if (webhook.level === "notify") void tryOnce(platform, delivery).then((good) => finish(platform, delivery, good));
  else {
    webhook.waiting.push(delivery);
    void work(platform, webhook);
  }
}

function finish(platform: Platform, delivery: Delivery, good: boolean): void {
  delivery.status = good ? "succeeded" : "failed";
  if (good || platform.stopping.aborted) return;
  platform.journal.blame("webhook_refused", `The webhook at ${delivery.webhook.url} did not take an event.`, null);
}

/** Works off the line of a `sync` subscription until it is empty or its head has to wait. */
async function work(platform: Platform, webhook: Webhook): Promise<void> {
  if (webhook.delivering) return;
  webhook.delivering = true;
  let head = webhook.waiting[0];
  while (head !== undefined) {
    const good = await tryOnce(platform, head);
    if (!good && head.attempts < MOST_TRIES) return wait(platform, webhook, head);
    finish(platform, head, good);
    webhook.waiting.shift();
    head = webhook.waiting[0];
  }
  webhook.delivering = false;
}

function wait(platform: Platform, webhook: Webhook, head: Delivery): void {
  head.status = "retrying";
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** head.attempts, LONGEST_PAUSE_MS);
  platform.clock.at(platform.clock.in(pause), () => {
    webhook.delivering = false;
    void work(platform, webhook);
  });
}

/** Sends the event, signed over its bytes; any 2xx is good. */
async function tryOnce(platform: Platform, delivery: Delivery): Promise<boolean> {
  const { webhook } = delivery;
  delivery.attempts += 1;
  const body = JSON.stringify({ ...delivery.event, webhook_metadata: metadata(delivery) });
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "user-agent": "Heroku webhooks (simulated)",
    "heroku-webhook-hmac-sha256": createHmac("sha256", webhook.secret).update(body).digest("base64"),
    ...(webhook.authorization !== null && { authorization: webhook.authorization }),
  };
  const request = { headers, body };
  const { name } = webhook.addon;
  const exchange = platform.journal.begin({
    direction: "to-provider",
    about: name,
    method: "POST",
    url: webhook.url,
    request,
  });
  try {
    const signal = AbortSignal.any([AbortSignal.timeout(DELIVERY_LIMIT_MS), platform.stopping]);
    const answer = await fetch(webhook.url, { method: "POST", headers, body, redirect: "manual", signal });
    await answer.body?.cancel();
    exchange.end({ status: answer.status, headers: Object.fromEntries(answer.headers), body: undefined });
    return answer.ok;
  } catch (thrown) {
    exchange.end({ failure: `no answer: ${String(thrown)}` });
    return false;
  }
}

function metadata(delivery: Delivery) {
  return {
    attempt: { id: randomUUID() },
    delivery: { id: delivery.id },
    event: { id: delivery.event["id"], include: delivery.include },
    webhook: { id: delivery.webhook.id },
  };
}
