import type { CloudEvent } from "../events/envelope.ts";

/** What one attempt came to. */
export type Attempt =
  | { readonly outcome: "delivered"; readonly status?: number }
  | {
      /** `given_up`: this event can never be taken. `gone`: the receiver wants nothing any more. */
      readonly outcome: "retry" | "given_up" | "gone";
      readonly fault: string;
      readonly status?: number;
      /** What the receiver asked for, in seconds. */
      readonly askedSeconds?: number;
    };

/** No attempt may take longer, all in all. */
export const ATTEMPT_LIMIT_MS = 15_000;

/** A fault of the network in words of the operator, without anything of the receiver's text. */
export function faultOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return "The attempt failed.";
  const { code } = thrown as NodeJS.ErrnoException;
  return code === undefined ? thrown.message : `It could not be reached (${code}).`;
}

/** The text that is signed and sent: the same for each attempt. */
export const textOf = (event: CloudEvent): string => JSON.stringify(event);
