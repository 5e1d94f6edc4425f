import type { Claim, Result } from "./outbox.ts";
import type { ReportAnswer, ReportRecord, ReportVerdict, UsageReporting } from "./reporting.ts";

/** What one call came to, for each of its records; `halve` when one of several records is at fault, nobody knows which. */
export interface Outcome {
  readonly resultOf: (record: ReportRecord) => Result;
  readonly halve: boolean;
  readonly requestId: string | undefined;
  /** For the operator, when it is our settings that are refused. */
  readonly alarm?: string;
}

const CALL_MS = 10_000;

/** One call within its total time limit. Whatever is thrown leaves the outcome unknown. */
export async function call(usage: UsageReporting, claim: Claim): Promise<ReportAnswer> {
  const signal = AbortSignal.timeout(CALL_MS);
  const aborted = new Promise<ReportAnswer>((resolve) => {
    signal.addEventListener("abort", () => resolve({ kind: "unknown", fault: "No answer within 10 s." }), {
      once: true,
    });
  });
  try {
    return await Promise.race([usage.report({ lot: claim.lot, records: claim.records }, signal), aborted]);
  } catch (fault) {
    return { kind: "unknown", fault: fault instanceof Error ? fault.message : "The call failed." };
  }
}

export function outcomeOf(answer: ReportAnswer, claim: Claim): Outcome {
  const alone = claim.records.length === 1;
  const all = (result: Result): Outcome => ({ resultOf: () => result, halve: false, requestId: undefined });
  switch (answer.kind) {
    case "answered":
      return {
        resultOf: ({ key }) => resultOf(answer.verdicts.get(key)),
        halve: false,
        requestId: answer.requestId,
      };
    case "throttled":
      return all({ kind: "throttled" });
    case "unknown":
      return all({ kind: "unknown", fault: answer.fault });
    case "misconfigured": {
      const fault = `${answer.code}: ${answer.message}`;
      return { ...all({ kind: "misconfigured", fault }), alarm: fault };
    }
    case "refused": {
      const fault = `${answer.code}: ${answer.message}`;
      if (!alone) return { ...all({ kind: "split", fault }), halve: true };
      return all({ kind: answer.tooOld ? "too_old" : "refused", fault });
    }
  }
}

function resultOf(verdict: ReportVerdict | undefined): Result {
  return verdict ?? { kind: "unknown", fault: "The answer says nothing of this record." };
}

/** As the second half is no longer than the first, 25 records stand alone after five times. */
export function halves(records: readonly ReportRecord[]): readonly (readonly ReportRecord[])[] {
  const middle = Math.ceil(records.length / 2);
  return [records.slice(0, middle), records.slice(middle)];
}
