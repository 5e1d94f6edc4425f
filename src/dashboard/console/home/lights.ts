import { fromNow } from "../../time.tsx";
import type { HomeView, MarketplaceView } from "./home-view.ts";

export type Tone = "good" | "wait" | "bad";

/** One thing that was looked at, and how it is. */
export interface Light {
  readonly what: string;
  readonly tone: Tone;
  readonly says: string;
  /** Where to look further. */
  readonly at?: string;
}

const HOUR_MS = 3_600_000;
const LATE_MS = 60_000;
const SEALING_LATE_MS = 15 * 60_000;
/** Half of the time a marketplace gives is gone, at the shortest of them. */
const CLOSE_MS = 6 * HOUR_MS;

const METERING = "/console/metering";
const DELIVERIES = "/console/deliveries";
const ENDPOINTS = "/console/endpoints";

const severity: Readonly<Record<Tone, number>> = { bad: 0, wait: 1, good: 2 };

/** The worst of several; nothing looked at is well. */
export function worst(lights: readonly Light[]): Tone {
  return lights.map(({ tone }) => tone).toSorted((a, b) => severity[a] - severity[b])[0] ?? "good";
}

/** Money first, as the lights come; of equal things the worse ones before the better. */
export function lightsOf(view: MarketplaceView, now: Date): readonly Light[] {
  const lights = [lost(view), deadline(view, now), accepted(view, now), unclaimed(view), grants(view)];
  return [...lights, calls(view, now), heard(view, now)].filter((light) => light !== undefined);
}

/** What is one for all marketplaces. */
export function lightsOfService(view: HomeView, now: Date): readonly Light[] {
  return [sealing(view, now), worker(view, now), lag(view, now), endpoints(view, now)];
}

const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count >= 1_000 ? "1,000 or more" : count} ${count === 1 ? one : many}`;

function lost({ lost: gone }: MarketplaceView): Light | undefined {
  if (gone === null) return undefined;
  const says = `${counted(gone.records, "usage record")} billed nowhere: ${gone.units} units.`;
  return { what: "Lost", tone: "bad", says, at: METERING };
}

function deadline({ waiting }: MarketplaceView, now: Date): Light | undefined {
  if (waiting === null) return undefined;
  const end = new Date(waiting.deadline);
  const left = end.getTime() - now.getTime();
  const hour = waiting.hour.slice(0, 16).replace("T", " ");
  const risk = waiting.at_risk > 0 ? ` ${counted(waiting.at_risk, "record")}, ${waiting.units} units, at risk.` : "";
  const says = `The oldest waiting record is of ${hour}; its deadline is ${fromNow(end, now)}.${risk}`;
  return { what: "Money at risk", tone: toneOf(left > CLOSE_MS, left > HOUR_MS), says, at: METERING };
}

function toneOf(well: boolean, bearable: boolean): Tone {
  if (well) return "good";
  return bearable ? "wait" : "bad";
}

function accepted({ accepted: hour, waiting }: MarketplaceView, now: Date): Light | undefined {
  if (hour === null) return undefined;
  const age = now.getTime() - new Date(hour).getTime();
  const says = `The last accepted hour is ${hour.slice(0, 16).replace("T", " ")}.`;
  return { what: "Metering", tone: toneOf(waiting === null || age < CLOSE_MS, true), says, at: METERING };
}

function unclaimed({ unclaimed: count }: MarketplaceView): Light | undefined {
  if (count === null) return undefined;
  if (count === 0) return { what: "Purchases", tone: "good", says: "Every purchase has its tenant." };
  return { what: "Purchases", tone: "wait", says: `${counted(count, "purchase")} nobody has come to claim.` };
}

function grants({ lost_grants: count }: MarketplaceView): Light | undefined {
  if (count === null) return undefined;
  if (count === 0) return { what: "Grants", tone: "good", says: "Every grant can be refreshed." };
  return { what: "Grants", tone: "bad", says: `${counted(count, "grant")} cannot be refreshed: we cannot call back.` };
}

function calls({ failing, given_up: gone }: MarketplaceView, now: Date): Light {
  const parts = [
    failing === null
      ? ""
      : `${counted(failing.calls, "owed call")} failing, the oldest owed ${ago(failing.since, now)}.`,
    gone === null ? "" : `${counted(gone, "owed call")} given up since yesterday.`,
  ].filter((part) => part !== "");
  if (parts.length === 0) return { what: "Owed calls", tone: "good", says: "Nothing fails.", at: DELIVERIES };
  return { what: "Owed calls", tone: gone === null ? "wait" : "bad", says: parts.join(" "), at: DELIVERIES };
}

/** A quiet marketplace is no fault: nobody has to buy. */
function heard({ heard: at }: MarketplaceView, now: Date): Light {
  const says = at === null ? "It has not called yet." : `It last called ${ago(at, now)}.`;
  return { what: "Last call", tone: "good", says };
}

const ago = (at: string, now: Date): string => fromNow(new Date(at), now);

const ageOf = (at: string | null, now: Date): number => (at === null ? 0 : now.getTime() - new Date(at).getTime());

function sealing({ unsealed }: HomeView, now: Date): Light {
  const late = ageOf(unsealed, now);
  if (late <= SEALING_LATE_MS) return { what: "Sealing", tone: "good", says: "Hours are sealed on time." };
  const says = `An hour should have been sealed ${ago(String(unsealed), now)}.`;
  return { what: "Sealing", tone: "bad", says, at: METERING };
}

function worker({ worker: seen }: HomeView, now: Date): Light {
  if (seen === null) return { what: "Worker", tone: "bad", says: "No worker has ever been seen: nothing is sent." };
  const tone = toneOf(ageOf(seen, now) <= LATE_MS, false);
  return { what: "Worker", tone, says: `A worker was seen ${ago(seen, now)}.` };
}

function lag({ untried }: HomeView, now: Date): Light {
  const late = ageOf(untried, now);
  if (late <= LATE_MS) return { what: "Queue", tone: "good", says: "Due work is taken at once." };
  const says = `The oldest untried work was due ${ago(String(untried), now)}.`;
  return { what: "Queue", tone: toneOf(false, late < 10 * LATE_MS), says, at: DELIVERIES };
}

function endpoints({ endpoints: troubled }: HomeView, now: Date): Light {
  if (troubled.length === 0)
    return { what: "Endpoints", tone: "good", says: "Everybody hears of events.", at: ENDPOINTS };
  const off = troubled.some(({ state }) => state === "disabled");
  const names = troubled.map(({ name, id, failing_since: since }) =>
    since === null ? name || id : `${name || id} (first failed ${ago(since, now)})`,
  );
  return { what: "Endpoints", tone: off ? "bad" : "wait", says: `In trouble: ${names.join(", ")}.`, at: ENDPOINTS };
}
