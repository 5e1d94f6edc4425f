import type { Clock } from "../clock.ts";
import type { Speaker } from "../events/envelope.ts";
import type { Store } from "../isolation/isolation.ts";
import type { Vault } from "../secrets/secrets.ts";
import type { Reach } from "./address.ts";
import { ATTEMPT_LIMIT_MS, type Attempt, faultOf } from "./attempt.ts";
import { type ClaimedEvent, type ClaimedJson, claimedFromJson } from "./claimed.ts";
import { type EndpointJson, type EndpointKind, signingSecrets } from "./endpoint.ts";
import { type EventBridge, isTooLarge, lotsOf, MOST_ENTRIES } from "./event-bridge.ts";
import { isLastAttempt, waitAfter } from "./schedule.ts";
import { sendOverHttp } from "./send-http.ts";

export interface SenderParts {
  readonly store: Store;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly speaker: Speaker;
  readonly reach: Reach;
  readonly bridge: EventBridge;
  readonly told: (settled: SettledAttempt) => void;
  readonly limitMs?: number;
}

/** `disabled`: the endpoint was, by this attempt. */
export type Outcome = "delivered" | "retry" | "given_up" | "disabled";

/** For the log and the metrics. */
export interface SettledAttempt {
  readonly endpoint: string;
  readonly kind: EndpointKind;
  readonly tenant: string;
  readonly type: string;
  readonly attempt: number;
  readonly outcome: Outcome;
  readonly fault: string | undefined;
  readonly status: number | undefined;
  readonly seconds: number;
}

/** An attempt lasts half of this at most. */
const LEASE_MS = 2 * ATTEMPT_LIMIT_MS;
/** So many events are on their way to one endpoint at most, whatever waits for others. */
const PLACES: Readonly<Record<EndpointKind, number>> = { http: 4, eventbridge: 2 * MOST_ENTRIES, listener: 0 };

export interface Sender {
  /** Sends what is due: a promise for the end of each attempt. An endpoint that is slow has its own places only. */
  startDue(): Promise<readonly Promise<void>[]>;
}

export function createSender(parts: SenderParts): Sender {
  const busy = new Map<string, number>();
  const occupy = (endpoint: string, places: number): void => {
    const left = (busy.get(endpoint) ?? 0) + places;
    if (left === 0) busy.delete(endpoint);
    else busy.set(endpoint, left);
  };
  return {
    startDue: async () => {
      const claimed = await claimDue(parts, busy);
      return callsFor(claimed).map((lot) => {
        const [{ endpoint }] = lot;
        occupy(endpoint.id, lot.length);
        return sendLot(parts, endpoint, lot).finally(() => occupy(endpoint.id, -lot.length));
      });
    },
  };
}

async function claimDue(
  { store, clock, speaker }: SenderParts,
  busy: ReadonlyMap<string, number>,
): Promise<readonly ClaimedEvent[]> {
  const now = clock.now();
  const rows = await store.throughDoor<{ claimed: ClaimedJson }>({
    text: "select claim_events($1, $2, $3, $4) as claimed",
    values: [JSON.stringify(PLACES), JSON.stringify(Object.fromEntries(busy)), now, new Date(now.getTime() + LEASE_MS)],
  });
  return rows.map(({ claimed }) => claimedFromJson(speaker, claimed));
}

type Lot = readonly [ClaimedEvent, ...ClaimedEvent[]];

/** What goes out in one call: an address takes one event, a bus several. */
function callsFor(claimed: readonly ClaimedEvent[]): readonly Lot[] {
  const overHttp = claimed.filter(({ endpoint }) => endpoint.kind === "http").map((one): Lot => [one]);
  const onBuses = claimed.filter(({ endpoint }) => endpoint.kind === "eventbridge");
  const lots = [...new Set(onBuses.map(({ endpoint }) => endpoint.id))].flatMap((id) =>
    lotsOf(
      onBuses.filter(({ endpoint }) => endpoint.id === id),
      ({ event }) => event,
    ),
  );
  return [...overHttp, ...lots.flatMap(([first, ...more]) => (first === undefined ? [] : [[first, ...more] as const]))];
}

async function sendLot(parts: SenderParts, endpoint: EndpointJson, lot: Lot): Promise<void> {
  const startedAt = parts.clock.now();
  const started = performance.now();
  const attempts = await attemptsAt(parts, endpoint, lot).catch((thrown: unknown) => allFailed(lot, thrown));
  const seconds = (performance.now() - started) / 1_000;
  for (const [place, claimed] of lot.entries()) {
    const attempt = attempts[place] ?? { outcome: "retry", fault: "There was no answer." };
    await settle(parts, claimed, attempt, { startedAt, seconds });
  }
}

/** Not even tried: a secret that cannot be opened, say. */
const allFailed = (lot: Lot, thrown: unknown): readonly Attempt[] =>
  lot.map(() => ({ outcome: "retry", fault: faultOf(thrown) }));

/** What became of each event, in their order. */
export async function attemptsAt(
  parts: SenderParts,
  endpoint: EndpointJson,
  lot: readonly [Told, ...Told[]],
): Promise<readonly Attempt[]> {
  const [{ event }] = lot;
  const { vault, clock, reach, limitMs, bridge } = parts;
  const { url, bus, region } = endpoint;
  if (url !== null) {
    const secrets = signingSecrets(vault, endpoint, clock.now());
    return [await sendOverHttp({ url, secrets, reach, ...(limitMs !== undefined && { limitMs }) }, event)];
  }
  if (isTooLarge(event)) return [{ outcome: "given_up", fault: "It is larger than EventBridge takes." }];
  if (bus === null || region === null) throw new Error("An endpoint has an address, or a bus and its region.");
  return bridge.put(
    { bus, region },
    lot.map((one) => one.event),
  );
}

type Told = Pick<ClaimedEvent, "event">;

interface Timing {
  readonly startedAt: Date;
  readonly seconds: number;
}

/** Writes down what an attempt came to, and when the next is due; nothing where the lease has gone to somebody else. */
export async function settle(
  { store, clock, told }: Pick<SenderParts, "store" | "clock" | "told">,
  claimed: ClaimedEvent,
  attempt: Attempt,
  { startedAt, seconds }: Timing,
): Promise<void> {
  const { endpoint, tenant, type, event } = claimed;
  const now = clock.now();
  const later = (wait: number): Date => new Date(now.getTime() + wait * 1_000);
  const asked = "askedSeconds" in attempt ? attempt.askedSeconds : undefined;
  const fault = attempt.outcome === "delivered" ? undefined : attempt.fault;
  const retry = {
    due_at: later(waitAfter(claimed.attempt, asked)),
    spent: isLastAttempt(claimed.attempt),
    gone: attempt.outcome === "gone",
    // What a receiver asks for holds for whatever else it is owed.
    ...(asked !== undefined && { quiet_until: later(waitAfter(claimed.attempt, asked)) }),
  };
  const [row] = await store.throughDoor<{ outcome: Outcome | null }>({
    text: "select settle_event($1, $2, $3, $4, $5, $6) as outcome",
    values: [
      tenant,
      endpoint.id,
      event.id,
      claimed.lease,
      JSON.stringify({
        type,
        outcome: attempt.outcome === "gone" ? "retry" : attempt.outcome,
        status: attempt.status,
        fault,
        started_at: startedAt,
        milliseconds: Math.round(seconds * 1_000),
        ...(attempt.outcome === "retry" || attempt.outcome === "gone" ? retry : {}),
      }),
      now,
    ],
  });
  const outcome = row?.outcome;
  if (outcome === null || outcome === undefined) return;
  const { id, kind } = endpoint;
  told({ endpoint: id, kind, tenant, type, attempt: claimed.attempt, outcome, fault, status: attempt.status, seconds });
}
