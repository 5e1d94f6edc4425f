import { setTimeout as sleep } from "node:timers/promises";
import type { Aws } from "../model/world.ts";

/** What becomes of an answer once its work is done. */
export type Fate = "sent" | "failed" | "dropped";

/** The fault switches that act after the records were taken: the caller cannot know that they were. */
export async function fateOf({ faults, stopping }: Aws, gone: AbortSignal): Promise<Fate> {
  if (faults.take("aws_error_after") !== undefined) return "failed";
  if (faults.take("aws_drop_answer") !== undefined) return "dropped";
  const hang = faults.take("aws_hang");
  if (hang === undefined) return "sent";
  await sleep(hang, undefined, { signal: AbortSignal.any([gone, stopping]) }).catch(() => undefined);
  return "dropped";
}
