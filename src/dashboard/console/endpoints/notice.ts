import { isUuid } from "../../../uuid.ts";
import { endpointActPath, isEndpointAct } from "./acts.ts";
import type { Attempt, EndpointRead } from "./read.ts";

export interface Notice {
  readonly text: string;
  readonly bad?: true;
  /** Where what was begun goes on. */
  readonly on?: string;
}

/** What an act came to, told by the address it led to. */
export function noticeIn(query: Readonly<Record<string, unknown>>, read: EndpointRead): Notice | undefined {
  const { done, delivery, owed, through } = query;
  if (!isEndpointAct(done)) return undefined;
  if (done === "test") return tested(read.attempts.find(({ id }) => id === delivery));
  if (done === "recover") return recovered(countOf(owed), momentOf(through), read);
  if (done === "resend") return { text: "The event is owed again." };
  return { text: done === "disable" ? "The endpoint is off." : "The endpoint is on." };
}

function tested(attempt: Attempt | undefined): Notice {
  if (attempt === undefined) return { text: "The test was sent; it is among the attempts." };
  const status = attempt.status === null ? "" : ` It answered ${attempt.status}.`;
  if (attempt.outcome === "delivered") return { text: `The test was taken in ${attempt.milliseconds} ms.${status}` };
  return { text: `The test was not taken: ${attempt.fault ?? "no answer"}`, bad: true };
}

function recovered(owed: number, through: string | undefined, { endpoint }: EndpointRead): Notice {
  const text = `${owed} events became owed.`;
  if (through === undefined) return { text };
  const on = `${endpointActPath(endpoint.id, "recover")}?${new URLSearchParams({ since: through })}`;
  return { text: `${text} There are more, from ${through} on.`, on };
}

const countOf = (given: unknown) => (typeof given === "string" && /^\d{1,7}$/.test(given) ? Number(given) : 0);

const momentOf = (given: unknown) =>
  typeof given === "string" && /^\d{4}-\d\d-\d\dT[\d:.]{5,15}Z$/.test(given) ? given : undefined;

export const uuidIn = (given: unknown): string | undefined =>
  typeof given === "string" && isUuid(given) ? given : undefined;
