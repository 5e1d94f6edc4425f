import type { JsonObject } from "../../json.ts";

/** An event as a bus has taken it. */
export interface BusEvent {
  readonly id: string;
  readonly bus: string;
  readonly region: string;
  readonly source: string;
  readonly detailType: string;
  readonly detail: JsonObject;
  readonly time: number | null;
  readonly takenAt: Date;
}
