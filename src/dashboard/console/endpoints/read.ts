import { ProviderError } from "../../../errors.ts";
import type { OperatorStore } from "../../../isolation/isolation.ts";
import type { EndpointKind, EndpointState } from "../../../subscriptions/endpoint.ts";
import type { DeliveryJson } from "../../../subscriptions/history.ts";
import { isUuid } from "../../../uuid.ts";

/** One endpoint and how it stands; moments are ISO text. No secret is in it. */
export interface EndpointLine {
  readonly id: string;
  readonly kind: Exclude<EndpointKind, "listener">;
  readonly name: string;
  readonly url: string | null;
  readonly bus: string | null;
  readonly region: string | null;
  readonly types: readonly string[] | null;
  readonly test: boolean;
  readonly state: EndpointState;
  readonly reason: string | null;
  readonly failing_since: string | null;
  /** It asked to be left alone until then. */
  readonly quiet_until: string | null;
  readonly created_at: string;
  /** What a form is made from. */
  readonly version: string;
  /** Until when the secrets before the newest one sign. */
  readonly old_secrets_end: readonly string[];
  /** A thousand is as far as is counted. */
  readonly owed: number;
  readonly oldest_owed_at: string | null;
  readonly last_success: string | null;
}

/** What an operator did to an endpoint. */
export interface DoneAct {
  readonly sequence: number;
  readonly act: string;
  readonly by: string;
  readonly reason: string;
  readonly at: string;
}

/** One attempt; `lasting`: its event is in a history and can be sent again. */
export interface Attempt extends DeliveryJson {
  readonly name: string | null;
  readonly lasting: boolean;
}

export interface EndpointRead {
  readonly endpoint: EndpointLine;
  /** The newest first. */
  readonly acts: readonly DoneAct[];
  readonly attempts: readonly Attempt[];
  readonly next: string | undefined;
}

/** Every endpoint, the oldest first. */
export async function readEndpoints(store: OperatorStore): Promise<readonly EndpointLine[]> {
  const text = "select console_endpoints() as line";
  return (await store.throughDoor<{ line: EndpointLine }>({ text, values: [] })).map(({ line }) => line);
}

interface Wanted {
  readonly failed: boolean;
  readonly cursor?: unknown;
}

/** One of them and a page of its attempts, the newest first. `endpoint_not_found`; `request_malformed` for a foreign cursor. */
export async function readEndpoint(
  store: OperatorStore,
  id: string,
  { failed, cursor }: Wanted,
  limit: number,
): Promise<EndpointRead> {
  const asked = { failed, ...(cursor !== undefined && { after: placeOf(cursor) }) };
  const [row] = await store.throughDoor<{ read: Omit<EndpointRead, "next"> | null }>({
    text: "select console_endpoint($1, $2, $3) as read",
    values: [id, JSON.stringify(asked), limit + 1],
  });
  if (!row?.read) throw noEndpoint();
  const attempts = row.read.attempts.slice(0, limit);
  const last = row.read.attempts.length > limit ? attempts.at(-1) : undefined;
  return { ...row.read, attempts, next: last && cursorOf(last) };
}

export interface EndpointWish {
  readonly act: string;
  readonly reason: string;
  /** What the form was made from; absent where the act leaves the endpoint as it is. */
  readonly version?: string | undefined;
  /** The newest act that the form knew. */
  readonly seen: number;
  readonly delivery?: string | undefined;
  readonly since?: Date | undefined;
}

/** Written down, or overtaken by what happened meanwhile: nothing is to be done then. */
export interface AdmittedWish {
  readonly done: boolean;
  readonly since: readonly DoneAct[];
  readonly endpoint: EndpointLine;
}

/** Writes the wish into the audit, in the same moment in which it looks whether the form still stands. */
export async function admitWish(store: OperatorStore, id: string, wish: EndpointWish): Promise<AdmittedWish> {
  const { by, at } = store.operator;
  const [row] = await store.throughDoor<{ admitted: AdmittedWish | null }>({
    text: "select console_endpoint_act($1, $2, $3) as admitted",
    values: [id, JSON.stringify({ ...wish, by, at }), at],
  });
  if (!row?.admitted) throw noEndpoint();
  return row.admitted;
}

const noEndpoint = () => new ProviderError("endpoint_not_found", "There is no such endpoint.");

const cursorOf = ({ started_at, id }: Attempt): string =>
  Buffer.from(JSON.stringify([started_at, id])).toString("base64url");

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$/;

function placeOf(cursor: unknown) {
  const [, at = "", id = ""] =
    /^\["([^"]*)","([^"]*)"\]$/.exec(Buffer.from(String(cursor), "base64url").toString("utf8")) ?? [];
  if (MOMENT.test(at) && !Number.isNaN(Date.parse(at)) && isUuid(id)) return { at, id };
  throw new ProviderError("request_malformed", "The cursor is not one of this list.");
}
