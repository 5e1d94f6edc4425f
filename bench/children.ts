import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { LoadJob, LoadResult } from "./load-job.ts";
import type { ServerJob, Spent } from "./serve.ts";

const HOOK = new URL("../scripts/typescript-hook.js", import.meta.url).href;
const START_MS = 60_000;
const ANSWER_MS = 120_000;

function start(file: string): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), [], {
    execArgv: ["--import", HOOK, ...(process.env["BENCH_NODE_ARGUMENTS"]?.split(" ") ?? [])],
    env: { ...process.env, NODE_ENV: "production" },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
}

/** What `child` says next; rejects when it ends or says nothing in time. */
async function answerOf<T>(child: ChildProcess, withinMs: number): Promise<T> {
  const ended = new AbortController();
  const onExit = (): void => ended.abort(new Error("A measured process ended."));
  child.once("exit", onExit);
  const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(withinMs)]);
  try {
    const [answer] = (await once(child, "message", { signal })) as [T];
    return answer;
  } finally {
    child.off("exit", onExit);
  }
}

/** A server in a process of its own. */
export interface Served {
  readonly port: number;
  spent(): Promise<Spent>;
  stop(): Promise<void>;
}

export async function startServed(job: ServerJob): Promise<Served> {
  const child = start("./serve.ts");
  child.send(job);
  const { port } = await answerOf<{ port: number }>(child, START_MS);
  return {
    port,
    spent: () => {
      child.send("spent");
      return answerOf<Spent>(child, ANSWER_MS);
    },
    stop: () => ended(child),
  };
}

/** One process for the whole run: its code is compiled once. */
export interface Generator {
  fire(job: LoadJob): Promise<LoadResult>;
  stop(): Promise<void>;
}

export function startGenerator(): Generator {
  const child = start("./load.ts");
  return {
    async fire(job) {
      child.send(job);
      const answer = await answerOf<LoadResult | { fault: string }>(child, ANSWER_MS);
      if ("fault" in answer) throw new Error(answer.fault);
      if (answer.failures > 0) throw new Error(`${answer.failures} requests failed, ${answer.units} units were done.`);
      return answer;
    },
    stop: () => ended(child),
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.disconnect();
  await gone;
}
