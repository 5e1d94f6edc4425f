import { ProviderError } from "../errors.ts";
import type { Logger } from "../log.ts";

/** What was started, ended in the reverse order, each with its own bound. */
export class Teardown {
  readonly #logger: Logger;
  readonly #steps: { name: string; end: () => Promise<unknown> }[] = [];

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(name: string, end: () => Promise<unknown>): void {
    this.#steps.push({ name, end });
  }

  /** Ends everything; a step that fails or hangs does not keep the others from ending. The second call does nothing. */
  async run(): Promise<void> {
    for (const { name, end } of this.#steps.splice(0).reverse()) {
      await within(STEP_MS, end()).catch((fault: unknown) =>
        this.#logger.error({ err: fault, step: name }, "shutting down"),
      );
    }
    this.#logger.flush();
  }
}

const STEP_MS = 28_000;

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ProviderError("internal", `It did not end within ${ms} ms.`)), ms);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Resolves at the first SIGTERM, SIGINT or SIGHUP. A second one ends the process at once. */
export function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(130));
        resolve();
      });
    }
  });
}
