import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 10;
/** Fast shutdown, immediate shutdown (which takes up to 5 s to end the server's own children), no more manners. */
const STEPS: readonly (readonly [NodeJS.Signals, number])[] = [
  ["SIGINT", 10_000],
  ["SIGQUIT", 8_000],
  ["SIGKILL", 2_000],
];

/** Ends a server the mildest way that works and answers whether it is gone. */
export async function endServer(
  kill: (signal: NodeJS.Signals) => void,
  isGone: () => boolean | Promise<boolean>,
): Promise<boolean> {
  for (const [signal, limit] of STEPS) {
    if (await isGone()) return true;
    kill(signal);
    if (await within(limit, isGone)) return true;
  }
  return false;
}

/** Asks until the answer is yes or the time is over. */
export async function within(limit: number, ask: () => boolean | Promise<boolean>): Promise<boolean> {
  const end = performance.now() + limit;
  while (performance.now() < end) {
    if (await ask()) return true;
    await sleep(POLL_MS);
  }
  return false;
}
