import { createHash, randomUUID } from "node:crypto";
import type { SimulatorClock } from "../../clock.ts";

export interface QueuedMessage {
  readonly id: string;
  readonly body: string;
  readonly sentAt: Date;
  visibleAt: Date;
  receives: number;
  firstReceivedAt: Date | null;
  receipt: string | null;
}

/** A message that was received so often is put aside. */
export const MOST_RECEIVES = 50;

/** A standard queue: at least once, hidden for a while after each receipt, gone when deleted. */
export interface Queue {
  send(body: string): void;
  /** Up to `most` visible messages, each hidden for `hiddenMs` under a receipt of its own. */
  receive(most: number, hiddenMs: number): readonly QueuedMessage[];
  /** Whether the receipt was of this queue. A second delete is no error. */
  delete(receipt: string): boolean;
  hide(receipt: string, hiddenMs: number): "hidden" | "not_in_flight" | "unknown";
  counts(): { readonly visible: number; readonly hidden: number };
  /** Resolves when something was sent, or once the signal has ended. */
  sent(signal: AbortSignal): Promise<void>;
}

const RECEIPT = /^receipt-(\d+)-/;

/** With `deadLetters`, what nobody deletes ends there. */
export function createQueue(clock: SimulatorClock, deadLetters?: Queue): Queue {
  const messages = new Map<string, QueuedMessage>();
  const waiting = new Set<() => void>();
  let receipts = 0;
  const isVisible = (message: QueuedMessage): boolean => message.visibleAt <= clock.now();
  const holding = (receipt: string) => [...messages.values()].find((message) => message.receipt === receipt);
  const putAside = (message: QueuedMessage): boolean => {
    if (deadLetters === undefined || message.receives < MOST_RECEIVES) return false;
    messages.delete(message.id);
    deadLetters.send(message.body);
    return true;
  };
  const give = (message: QueuedMessage, hiddenMs: number): QueuedMessage => {
    receipts += 1;
    message.receipt = `receipt-${receipts}-${randomUUID()}`;
    message.receives += 1;
    message.firstReceivedAt ??= clock.now();
    message.visibleAt = clock.in(hiddenMs);
    return { ...message };
  };

  return {
    send: (body) => {
      const id = randomUUID();
      const now = clock.now();
      messages.set(id, { id, body, sentAt: now, visibleAt: now, receives: 0, firstReceivedAt: null, receipt: null });
      for (const wake of waiting) wake();
    },
    receive: (most, hiddenMs) =>
      [...messages.values()]
        .filter((message) => isVisible(message) && !putAside(message))
        .slice(0, most)
        .map((message) => give(message, hiddenMs)),
    delete: (receipt) => {
      const message = holding(receipt);
      if (message !== undefined) messages.delete(message.id);
      return RECEIPT.test(receipt);
    },
    hide: (receipt, hiddenMs) => {
      const message = holding(receipt);
      if (message === undefined) return RECEIPT.test(receipt) ? "not_in_flight" : "unknown";
      if (isVisible(message)) return "not_in_flight";
      message.visibleAt = clock.in(hiddenMs);
      return "hidden";
    },
    counts: () => {
      const visible = [...messages.values()].filter(isVisible).length;
      return { visible, hidden: messages.size - visible };
    },
    sent: (signal) =>
      new Promise((resolve) => {
        const wake = (): void => {
          waiting.delete(wake);
          resolve();
        };
        if (signal.aborted) return resolve();
        waiting.add(wake);
        signal.addEventListener("abort", wake, { once: true });
      }),
  };
}

export function bodyDigest(body: string): string {
  return createHash("md5").update(body).digest("hex");
}
