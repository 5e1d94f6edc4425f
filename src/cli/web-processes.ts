import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { gatherMetrics } from "../http/shared-metrics.ts";
import type { Logger } from "../log.ts";
import { untilStopped } from "./teardown.ts";

const AGAIN_AFTER_MS = 1_000;
/** A web process has 28 s for each step of its end; hosts kill after 30 s. */
const END_MS = 29_000;

/**
 * Serves with `count` processes that share the port, until SIGTERM or SIGINT; then each finishes what it has begun. One
 * that dies is replaced after a second. One that ends before it ever listened ends all, with its exit code: what keeps it
 * from starting keeps them all.
 */
export async function runWebProcesses(count: number, logger: Logger): Promise<void> {
  const end = new AbortController();
  const stopped = untilStopped().then(() => 0);
  gatherMetrics();
  const places = Array.from({ length: count }, () => keepPlace(logger, end.signal));
  const exit = await Promise.race([stopped, ...places]);
  end.abort();
  for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill("SIGTERM");
  const late = setTimeout(killAll, END_MS);
  await Promise.all(places);
  clearTimeout(late);
  logger.flush();
  process.exitCode = exit;
}

/** Resolves with an exit code when the process could not start, or, after the end was called for, when it has ended. */
async function keepPlace(logger: Logger, end: AbortSignal): Promise<number> {
  for (;;) {
    const worker = cluster.fork();
    const { listened, exit } = await lifeOf(worker);
    if (end.aborted || !listened) return exit;
    logger.error({ pid: worker.process.pid, exit }, "a web process ended, and another takes its place");
    await sleep(AGAIN_AFTER_MS, undefined, { signal: end }).catch(() => undefined);
    if (end.aborted) return exit;
  }
}

/** `exit` is 1 where a signal ended it. */
async function lifeOf(worker: Worker): Promise<{ readonly listened: boolean; readonly exit: number }> {
  let listened = false;
  worker.once("listening", () => {
    listened = true;
  });
  const [code] = (await once(worker, "exit")) as [number | null];
  return { listened, exit: code ?? 1 };
}

function killAll(): void {
  for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill("SIGKILL");
}
