import type { TenantState } from "../../../tenants/tenants.ts";

const tones: Readonly<Record<TenantState, "good" | "wait" | "bad" | "over">> = {
  provisioning: "wait",
  active: "good",
  suspended: "bad",
  deprovisioning: "wait",
  gone: "over",
  failed: "bad",
};

export function StateBadge({ state }: { state: TenantState }) {
  return <strong class={`badge ${tones[state]}`}>{state}</strong>;
}
