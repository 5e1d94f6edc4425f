import type { Clock } from "../clock.ts";
import { ProviderError } from "../errors.ts";
import type { Store } from "../isolation/isolation.ts";
import { isUuid } from "../uuid.ts";
import { findEndpoint } from "./endpoints.ts";

/** One attempt, as an operator looks at it. */
export interface EventDelivery {
  readonly id: string;
  readonly event: string;
  readonly type: string;
  readonly tenant: string;
  readonly attempt: number;
  readonly startedAt: string;
  readonly milliseconds: number;
  readonly outcome: "delivered" | "retry" | "given_up" | "disabled";
  readonly status: number | null;
  readonly fault: string | null;
  /** When the next attempt is due. */
  readonly nextAt: string | null;
}

export interface DeliveryJson {
  readonly id: string;
  readonly event_id: string;
  readonly type: string;
  readonly tenant_id: string;
  readonly attempt: number;
  readonly started_at: string;
  readonly milliseconds: number;
  readonly outcome: EventDelivery["outcome"];
  readonly status: number | null;
  readonly fault: string | null;
  readonly next_at: string | null;
}

export function deliveryFromJson(row: DeliveryJson): EventDelivery {
  return {
    id: row.id,
    event: row.event_id,
    type: row.type,
    tenant: row.tenant_id,
    attempt: row.attempt,
    startedAt: row.started_at,
    milliseconds: row.milliseconds,
    outcome: row.outcome,
    status: row.status,
    fault: row.fault,
    nextAt: row.next_at,
  };
}

/** The attempts of the last 30 days, newest first; `after` is the cursor of the last one of the page before. */
export async function listDeliveries(
  store: Store,
  endpoint: string,
  { after, limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<readonly EventDelivery[]> {
  await findEndpoint(store, endpoint);
  const [before, id] = after === undefined ? [null, null] : placeOf(after);
  const rows = await store.throughDoor<{ delivery: DeliveryJson }>({
    text: "select list_deliveries($1, $2, $3, $4) as delivery",
    values: [endpoint, before, id, limit],
  });
  return rows.map(({ delivery }) => deliveryFromJson(delivery));
}

export const cursorOf = ({ startedAt, id }: EventDelivery): string =>
  Buffer.from(`${startedAt} ${id}`).toString("base64url");

function placeOf(cursor: string): readonly [string, string] {
  const [at = "", id = ""] = Buffer.from(cursor, "base64url").toString("utf8").split(" ");
  if (Number.isNaN(Date.parse(at)) || !isUuid(id))
    throw new ProviderError("request_malformed", "The cursor is not one of this list.");
  return [at, id];
}

/** Sends the event of an attempt again, under its own id. `request_malformed` for what was only made up. */
export async function resendEvent(store: Store, clock: Clock, endpoint: string, delivery: string): Promise<void> {
  await findEndpoint(store, endpoint);
  const known = isUuid(delivery);
  const [row] = known
    ? await store.throughDoor<{ found: boolean }>({
        text: "select resend_event($1, $2, $3) as found",
        values: [endpoint, delivery, clock.now()],
      })
    : [];
  if (row?.found !== true)
    throw new ProviderError("request_malformed", "There is no such delivery, or its event was made up.");
}

export interface Replay {
  readonly since: Date;
  /** Only these of the types that the endpoint wants. */
  readonly types?: readonly string[] | undefined;
  /** Also what it has taken. */
  readonly all: boolean;
  /** Only count. */
  readonly dry: boolean;
}

export interface ReplayPage {
  /** Events that the endpoint wants. */
  readonly events: number;
  /** How many of them it is owed by this. */
  readonly owed: number;
  /** The place of the next page; null at the end. */
  readonly after: ReplayPlace | null;
}

interface ReplayPlace {
  readonly at: string;
  readonly tenant: string;
  readonly sequence: number;
}

const PAGE = 2_000;

/** Owes the endpoint past events, oldest first, a page at a time: what is recorded meanwhile it is owed anyway. */
export async function* replayEvents(
  store: Store,
  clock: Clock,
  endpoint: string,
  replay: Replay,
): AsyncGenerator<ReplayPage> {
  const until = clock.now();
  for (let after: ReplayPlace | null | undefined; after !== null; ) {
    const [row] = await store.throughDoor<{ page: ReplayPage }>({
      text: "select replay_events($1, $2, $3) as page",
      values: [endpoint, JSON.stringify({ ...replay, until, limit: PAGE, after }), clock.now()],
    });
    if (row === undefined) return;
    yield row.page;
    after = row.page.after;
  }
}

const REMEMBERED_MS = 30 * 24 * 3_600_000;
/** A request ends after so many pages; the caller goes on from where it came to. */
const MOST_PAGES = 50;

export interface Recovery {
  readonly owed: number;
  /** Where to go on; null when all is owed. */
  readonly recoveredThrough: string | null;
}

/** Owes whatever the endpoint has not taken since then: given up, or from before there was such an endpoint. */
export async function recoverEvents(store: Store, clock: Clock, endpoint: string, since: Date): Promise<Recovery> {
  await findEndpoint(store, endpoint);
  if (clock.now().getTime() - since.getTime() > REMEMBERED_MS) {
    throw new ProviderError("request_malformed", "What was delivered more than 30 days ago is not known any more.", {
      faults: [{ at: "/since", message: "must be within 30 days; `stallholder events replay` sends older events" }],
    });
  }
  let owed = 0;
  let pages = 0;
  for await (const page of replayEvents(store, clock, endpoint, { since, all: false, dry: false })) {
    owed += page.owed;
    pages += 1;
    if (pages === MOST_PAGES) return { owed, recoveredThrough: page.after?.at ?? null };
  }
  return { owed, recoveredThrough: null };
}
