import type { ExplainedRecord } from "../../../metering/explain.ts";

type State = ExplainedRecord["state"];

const tones: Readonly<Record<State, "good" | "wait" | "bad" | "over">> = {
  open: "over",
  sealed: "wait",
  sent: "wait",
  accepted: "good",
  refused: "bad",
  expired: "bad",
};

/** The word says it; the colour only repeats it. */
export function RecordState({ state }: { state: State }) {
  return <strong class={`badge ${tones[state]}`}>{state}</strong>;
}

/** "2026-05-10 09:00" */
export const hourWords = (hour: Date): string => hour.toISOString().slice(0, 16).replace("T", " ");

const hourInAddress = (hour: Date): string => `${hour.toISOString().slice(0, 16)}Z`;
const dayOf = (at: Date): string => at.toISOString().slice(0, 10);

export const recordAddress = (tenant: string, hour: Date, dimension: string): string =>
  `/console/metering/${tenant}/record?${new URLSearchParams({ hour: hourInAddress(hour), dimension })}`;

export const dayAddress = (tenant: string, day: Date): string => `/console/metering/${tenant}?day=${dayOf(day)}`;

/** A decimal without zeros that say nothing, its thousands apart. */
export function amount(quantity: string): string {
  const [whole = "0", rest = ""] = quantity.split(".");
  const fraction = rest.replace(/0+$/, "");
  const grouped = BigInt(whole).toLocaleString("en-US");
  return fraction === "" ? grouped : `${grouped}.${fraction}`;
}
