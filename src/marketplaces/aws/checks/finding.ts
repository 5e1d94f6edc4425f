import type { Finding } from "../../marketplace.ts";

export type AwsFinding = Finding;

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
