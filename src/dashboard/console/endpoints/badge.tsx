import type { EndpointLine } from "./read.ts";

/** How an endpoint stands, in one word. */
export function EndpointBadge({ endpoint: { state, failing_since } }: { endpoint: EndpointLine }) {
  if (state === "disabled") return <strong class="badge bad">disabled</strong>;
  if (state === "off") return <strong class="badge over">off</strong>;
  return failing_since === null ? <span class="badge good">on</span> : <strong class="badge wait">failing</strong>;
}
