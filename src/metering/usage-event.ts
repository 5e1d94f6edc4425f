import { hash } from "node:crypto";
import { isTenantId } from "../isolation/isolation.ts";
import { decimalOf } from "./decimal.ts";

/** Where an event came from. Ids of the vendor's product and of a tenant's own keys live in separate spaces. */
export type UsageSource = { readonly kind: "product" } | { readonly kind: "key"; readonly tenant: string };

/** One fact the product counted, read and checked, as far as it can be without the database. */
export interface UsageEvent {
  readonly id: string;
  readonly tenant: string;
  readonly dimension: string;
  /** In its shortest form: `3`, `0.25`. */
  readonly quantity: string;
  /** In ms since 1970; absent when the sender gave none. */
  readonly at: number | undefined;
  /** JSON with sorted names. */
  readonly tags: string | null;
  readonly fromKey: boolean;
  /** 32 hex digits that stand for (space, tenant, id): two events with the same key are the same event. */
  readonly key: string;
  /** 16 hex digits, a digest of the content: the same key with another print is a conflict. */
  readonly print: string;
}

export type UnreadableCode = "usage_malformed" | "tenant_not_found";

const LONGEST_TEXT = 200;
const MOST_TAGS = 5;
const TIME = /^\d{4}-\d\d-(\d\d)T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** Reads one item of a body, or says why it is refused. An event with a tenant's own key is that tenant's. */
export function readEvent(item: unknown, source: UsageSource): UsageEvent | UnreadableCode {
  if (!isObject(item)) return "usage_malformed";
  const { id, dimension } = item;
  const tenant = item["tenant"] ?? (source.kind === "key" ? source.tenant : undefined);
  if (!isLabel(id) || !isLabel(tenant) || !isLabel(dimension)) return "usage_malformed";
  const quantity = decimalOf(item["quantity"]);
  const at = timeOf(item["time"]);
  const tags = tagsOf(item["tags"]);
  if (quantity === undefined || Number.isNaN(at) || tags === undefined) return "usage_malformed";
  if (!isTenantId(tenant) || (source.kind === "key" && tenant !== source.tenant)) return "tenant_not_found";

  const key = hash("sha256", `${source.kind}\0${tenant}\0${id}`, "hex").slice(0, 32);
  const print = hash("sha256", `${dimension}\0${quantity}\0${at ?? ""}\0${tags ?? ""}`, "hex").slice(0, 16);
  return { id, tenant, dimension, quantity, at, tags, fromKey: source.kind === "key", key, print };
}

/** The id to answer with: what cannot be repeated as it stands is answered as null. */
export function idOf(item: unknown): string | null {
  return isObject(item) && isLabel(item["id"]) ? item["id"] : null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Text that PostgreSQL stores as it is: not empty, not too long, without NUL and halves of surrogate pairs. */
function isLabel(value: unknown): value is string {
  return isText(value) && value !== "";
}

function isText(value: unknown): value is string {
  return (
    typeof value === "string" && value.length <= LONGEST_TEXT && !value.includes("\0") && !/\p{Surrogate}/u.test(value)
  );
}

/** Undefined when absent, NaN when it is no ISO 8601 instant with a zone. What lies below a millisecond is dropped. */
function timeOf(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  const day = typeof value === "string" ? TIME.exec(value)?.[1] : undefined;
  if (day === undefined) return Number.NaN;
  const text = String(value);
  // Date.parse takes 30 February for 2 March.
  if (Number(day) > 28 && new Date(`${text.slice(0, 10)}T00:00:00Z`).getUTCDate() !== Number(day)) return Number.NaN;
  return Date.parse(text);
}

/** Null when absent or empty, undefined when they are not at most five short texts by name. */
function tagsOf(value: unknown): string | null | undefined {
  if (value === undefined || value === null) return null;
  if (!isObject(value)) return undefined;
  const tags = Object.entries(value);
  if (tags.length > MOST_TAGS || !tags.every(([name, text]) => isLabel(name) && isText(text))) return undefined;
  if (tags.length === 0) return null;
  return `{${tags
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, text]) => `${JSON.stringify(name)}:${JSON.stringify(text)}`)
    .join(",")}}`;
}
