/** What was found of one thing, and what to do about it. `yours`: only a person can tell. */
export interface AwsFinding {
  readonly check: string;
  readonly verdict: "ok" | "warning" | "fault" | "yours";
  readonly says: string;
  readonly cure?: string;
}

export const ok = (check: string, says: string): AwsFinding => ({ check, verdict: "ok", says });
export const warning = (check: string, says: string, cure: string): AwsFinding => ({
  check,
  verdict: "warning",
  says,
  cure,
});
export const fault = (check: string, says: string, cure: string): AwsFinding => ({
  check,
  verdict: "fault",
  says,
  cure,
});
export const yours = (check: string, says: string): AwsFinding => ({ check, verdict: "yours", says });
