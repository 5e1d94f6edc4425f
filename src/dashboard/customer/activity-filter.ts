import { stringify } from "csv-stringify/sync";
import { ProviderError } from "../../errors.ts";
import type { LifecycleEvent } from "../../events/events.ts";
import { actorOf, sentenceOf } from "./sentences.ts";
import type { CustomerView } from "./view.ts";

/** What one may look at alone: types by how they begin. */
export const activityKinds = {
  all: { words: "All", begins: [] },
  purchase: {
    words: "Purchase and plan",
    begins: ["provision.", "plan.", "suspend", "resume", "deprovision", "limits.", "renamed"],
  },
  access: { words: "Access and secrets", begins: ["credential.", "signed_in", "operator.", "data.", "grant.", "aws."] },
  usage: { words: "Usage", begins: ["usage."] },
  data: { words: "Data", begins: ["database."] },
} as const;

export type ActivityKind = keyof typeof activityKinds;

/** Throws `request_malformed` for a word that is none of them. */
export function activityKindOf(given: unknown): ActivityKind {
  if (given === undefined) return "all";
  if (typeof given === "string" && Object.hasOwn(activityKinds, given)) return given as ActivityKind;
  throw new ProviderError("request_malformed", "There is no such part of the activity.");
}

/** One line for each event. What a spreadsheet would take for a formula is made harmless. */
export function activityCsv(events: readonly LifecycleEvent[], view: CustomerView): string {
  const lines = events.map((event) => [
    event.at.toISOString(),
    event.type,
    actorOf(event, view),
    sentenceOf(event, view),
  ]);
  return stringify([["at", "type", "by", "what"], ...lines], { escape_formulas: true });
}
