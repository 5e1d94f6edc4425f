import type { Clock } from "../clock.ts";
import { ProviderError } from "../errors.ts";
import type { Store } from "../isolation/isolation.ts";
import type { Vault } from "../secrets/secrets.ts";
import type { Reach } from "./address.ts";
import {
  type Endpoint,
  type EndpointJson,
  endpointFromJson,
  MOST_SECRETS,
  newEndpointId,
  newSecret,
} from "./endpoint.ts";
import { checkedBus, checkedUrl, checkTypes, type Wishes } from "./wishes.ts";

export interface EndpointParts {
  readonly store: Store;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly reach: Reach;
}

export interface Made {
  readonly endpoint: Endpoint;
  /** Shown this once; undefined where nothing is signed. */
  readonly secret: string | undefined;
}

const MOST_ENDPOINTS = 50;

/** Makes an endpoint of an address or a bus. It hears of what happens from now on. */
export async function createEndpoint(parts: EndpointParts, wishes: Wishes): Promise<Made> {
  const { store, vault, clock } = parts;
  checkTypes(wishes.types);
  const where = await placeOf(parts, wishes);
  if ((await listEndpoints(store)).length >= MOST_ENDPOINTS)
    throw new ProviderError("request_malformed", `There are ${MOST_ENDPOINTS} endpoints already.`);
  const id = newEndpointId();
  const secret = where.kind === "http" ? newSecret(vault, id) : undefined;
  await store.throughDoor({
    text: `insert into endpoints (id, kind, name, url, bus, region, types, test, state, secrets, created_at, changed_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, 'on', $9, $10, $10)`,
    values: [
      id,
      where.kind,
      wishes.name ?? "",
      where.url,
      where.bus,
      where.region,
      wishes.types ?? null,
      wishes.test ?? false,
      JSON.stringify(secret === undefined ? [] : [secret.row]),
      clock.now(),
    ],
  });
  return { endpoint: await findEndpoint(store, id), secret: secret?.value };
}

async function placeOf({ reach }: EndpointParts, { url, bus, region }: Wishes) {
  if ((url === undefined) === (bus === undefined)) {
    throw new ProviderError("request_malformed", "An endpoint is an address or a bus.", {
      faults: [{ at: "", message: "must have one of `url` and `bus`" }],
    });
  }
  if (bus !== undefined) return { kind: "eventbridge", url: null, ...checkedBus(bus, region) } as const;
  return { kind: "http", url: await checkedUrl(String(url), reach), bus: null, region: null } as const;
}

/** All but listeners, the oldest first. */
export async function listEndpoints(store: Store): Promise<readonly Endpoint[]> {
  return (await readEndpoints(store, null)).map(endpointFromJson);
}

export async function findEndpoint(store: Store, id: string): Promise<Endpoint> {
  return endpointFromJson(await readEndpoint(store, id));
}

/** With its sealed secrets. Throws `endpoint_not_found`. */
export async function readEndpoint(store: Store, id: string): Promise<EndpointJson> {
  const [found] = await readEndpoints(store, id);
  if (found === undefined) throw new ProviderError("endpoint_not_found", "There is no such endpoint.");
  return found;
}

async function readEndpoints(store: Store, id: string | null): Promise<readonly EndpointJson[]> {
  const text = "select list_endpoints($1) as endpoint";
  const rows = await store.throughDoor<{ endpoint: EndpointJson }>({ text, values: [id] });
  return rows.map(({ endpoint }) => endpoint);
}

export type EndpointChange = Omit<Wishes, "bus" | "region"> & { readonly state?: "on" | "off" | undefined };

/**
 * Changes what is named. Turned off, it is owed nothing any more. Turned on, or sent elsewhere, it begins anew: what it is
 * owed is due at once.
 */
export async function changeEndpoint(parts: EndpointParts, id: string, change: EndpointChange): Promise<Endpoint> {
  const { store, clock, reach } = parts;
  const before = await findEndpoint(store, id);
  checkTypes(change.types);
  if (change.url !== undefined && before.kind !== "http") {
    throw new ProviderError("request_malformed", "This endpoint is a bus.", {
      faults: [{ at: "/url", message: "must be absent" }],
    });
  }
  const url = change.url === undefined ? before.url : await checkedUrl(change.url, reach);
  await store.throughDoor({
    text: `update endpoints set name = $2, url = $3, types = $4, test = $5, changed_at = $6 where id = $1`,
    values: [
      id,
      change.name ?? before.name,
      url,
      change.types === undefined ? before.types : change.types,
      change.test ?? before.test,
      clock.now(),
    ],
  });
  const moved = url !== before.url && before.state === "on";
  if (change.state === "off") await turnOff(parts, id);
  else if (moved || (change.state === "on" && before.state !== "on")) await resume(parts, id);
  return findEndpoint(store, id);
}

async function turnOff({ store, clock }: EndpointParts, id: string): Promise<void> {
  await store.throughDoor({
    text: "update endpoints set state = 'off', reason = null, changed_at = $2 where id = $1",
    values: [id, clock.now()],
  });
  await clear(store, id, false);
}

async function resume({ store, clock }: EndpointParts, id: string): Promise<void> {
  await store.throughDoor({ text: "select resume_endpoint($1, $2)", values: [id, clock.now()] });
}

/** Forgets the endpoint and all that was told to it. The second time there is none. */
export async function removeEndpoint({ store }: EndpointParts, id: string): Promise<void> {
  await findEndpoint(store, id);
  await clear(store, id, true);
}

async function clear(store: Store, id: string, whole: boolean): Promise<void> {
  await store.throughDoor({ text: "select clear_endpoint($1, $2)", values: [id, whole] });
}

/** A new secret beside the old one, which signs on for the overlap. */
export async function rotateSecret(parts: EndpointParts, id: string, overlapSeconds: number): Promise<Made> {
  const { store, vault, clock } = parts;
  const before = await findEndpoint(store, id);
  if (before.kind !== "http") throw new ProviderError("request_malformed", "Nothing is signed for this endpoint.");
  const { value, row } = newSecret(vault, id);
  const now = clock.now();
  await store.throughDoor({
    text: `update endpoints set changed_at = $3, secrets = jsonb_build_array($2::jsonb) || (
             select coalesce(jsonb_agg(s || jsonb_build_object('ends_at', coalesce(s->>'ends_at', $4)) order by place), '[]')
             from jsonb_array_elements(secrets) with ordinality as a(s, place)
             where coalesce((s->>'ends_at')::timestamptz, $4::timestamptz) > $3 and place < $5)
           where id = $1`,
    values: [
      id,
      JSON.stringify(row),
      now,
      new Date(now.getTime() + overlapSeconds * 1_000).toISOString(),
      MOST_SECRETS,
    ],
  });
  return { endpoint: await findEndpoint(store, id), secret: value };
}
