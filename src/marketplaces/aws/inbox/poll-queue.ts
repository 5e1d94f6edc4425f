import { setTimeout as sleep } from "node:timers/promises";
import type { AwsOptions } from "../options.ts";
import { asQueued, keepMessage } from "./keep.ts";

const AFTER_FAULT_MS = 5_000;

/**
 * Waits at the queue until stopped. A message is taken off it only when it is stored; one that was stored and not taken
 * off comes again, and is known. Nothing is judged here, so that no message can block the queue.
 */
export async function pollQueue(options: AwsOptions, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    const isWell = await pollOnce(options, stopping).catch((fault: unknown) => {
      if (!stopping.aborted) options.logger.warn({ err: fault }, "messages of the AWS queue wait");
      return false;
    });
    if (!isWell) await sleep(AFTER_FAULT_MS, undefined, { signal: stopping }).catch(() => undefined);
  }
}

async function pollOnce(options: AwsOptions, stopping: AbortSignal): Promise<boolean> {
  const answer = await options.api.receive(stopping);
  if (answer.kind !== "found") {
    if (!stopping.aborted) options.logger.warn({ ...answer }, "the AWS queue does not answer");
    return false;
  }
  const handles: string[] = [];
  for (const message of answer.value) {
    await keepMessage(options, asQueued(message.id, Buffer.from(message.body), message.sentAt));
    handles.push(message.handle);
  }
  if (handles.length > 0) await options.api.settle(handles);
  return true;
}
