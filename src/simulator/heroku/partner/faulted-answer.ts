import { setTimeout as sleep } from "node:timers/promises";
import type { FaultName } from "../../faults.ts";
import type { Answer } from "../model/answers.ts";
import type { Platform } from "../model/platform.ts";

const ANSWERS: readonly (readonly [FaultName, Answer])[] = [
  ["platform_down", { status: 503, body: { id: "service_unavailable", message: "The platform is down." } }],
  [
    "rate_limit",
    {
      status: 429,
      body: { id: "rate_limit", message: "Your account reached the API rate limit. Please wait a few minutes." },
      headers: { "RateLimit-Remaining": "0" },
    },
  ],
  ["gone", { status: 404, body: { id: "not_found", message: "Couldn't find that add-on.", resource: "add_on" } }],
];

/** The faults that meet the provider when it calls: first it waits, then it may get an answer that is none. */
export async function faultedAnswer(platform: Platform): Promise<Answer | undefined> {
  const wait = (platform.faults.take("delay") ?? 0) + (platform.faults.take("platform_slow") ?? 0);
  if (wait > 0) await sleep(wait, undefined, { signal: platform.stopping }).catch(() => undefined);
  return ANSWERS.find(([fault]) => platform.faults.take(fault) !== undefined)?.[1];
}
