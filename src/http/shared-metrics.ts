import cluster, { type Worker } from "node:cluster";
import { AggregatorRegistry, type Registry } from "prom-client";
import { ProviderError } from "../errors.ts";

/** prom-client gives its processes 5 s. */
const ANSWER_MS = 6_000;

interface Asked {
  readonly metricsAsked: number;
}

interface Answered {
  readonly metricsAsked: number;
  readonly text: string | null;
}

/**
 * The figures in Prometheus's text format: of all web processes together, added up, whichever of them is asked. Counts of a
 * process that died are gone, which a reader takes for a restart. Throws `unavailable` when a process does not answer.
 */
export function sharedMetrics(registry: Registry): () => Promise<string> {
  if (!cluster.isWorker) return () => registry.metrics();
  // It is this that answers when the first process asks for the figures of this one.
  new AggregatorRegistry();
  AggregatorRegistry.setRegistries([registry]);
  let asked = 0;
  return () => {
    asked += 1;
    return askFirst(asked);
  };
}

function askFirst(question: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const failed = (): void => {
      process.off("message", hear);
      reject(new ProviderError("unavailable", "A web process did not tell its figures."));
    };
    const late = setTimeout(failed, ANSWER_MS);
    const hear = (message: unknown): void => {
      if (!isAnswer(message) || message.metricsAsked !== question) return;
      clearTimeout(late);
      process.off("message", hear);
      if (message.text === null) failed();
      else resolve(message.text);
    };
    process.on("message", hear);
    process.send?.({ metricsAsked: question } satisfies Asked);
  });
}

/** For the process that serves nothing itself: answers what its web processes ask. */
export function gatherMetrics(): void {
  const all = new AggregatorRegistry();
  cluster.on("message", (worker: Worker, message: unknown) => {
    if (!isQuestion(message)) return;
    const answer = (text: string | null): void => {
      const { metricsAsked } = message;
      if (worker.isConnected()) worker.send({ metricsAsked, text } satisfies Answered);
    };
    all.clusterMetrics().then(answer, () => answer(null));
  });
}

function isQuestion(message: unknown): message is Asked {
  return typeof message === "object" && message !== null && "metricsAsked" in message && !("text" in message);
}

function isAnswer(message: unknown): message is Answered {
  return typeof message === "object" && message !== null && "metricsAsked" in message && "text" in message;
}
