import { parseJson } from "../../../http/json.ts";
import type { About, Fact } from "./fact.ts";

/** What a message turned out to be. Unknown ones are kept and ignored, those of a wrong shape kept for a person to see. */
export type Reading =
  | { readonly kind: "fact"; readonly said: Said }
  | { readonly kind: "ignored"; readonly why: string }
  | { readonly kind: "flagged"; readonly why: string };

/** A fact as the carrier's codec finds it, before the product is looked up. */
export interface Said {
  readonly fact: Fact;
  readonly at: Date;
  readonly about: About;
  readonly arn?: string | undefined;
  readonly productCode?: string | undefined;
  readonly productId?: string | undefined;
  readonly account?: string | undefined;
  readonly customer?: string | undefined;
  readonly agreementId?: string | undefined;
}

export const ignored = (why: string): Reading => ({ kind: "ignored", why });
export const flagged = (why: string): Reading => ({ kind: "flagged", why });

export type JsonObject = Readonly<Record<string, unknown>>;

export const asObject = (value: unknown): JsonObject | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;

const LONGEST_TEXT = 2_048;

/** A text that may be an identifier: AWS's own examples begin some with a space. */
export function textIn(object: JsonObject | undefined, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = object?.[name];
    const text = typeof value === "string" ? value.trim() : "";
    if (text !== "" && text.length <= LONGEST_TEXT) return text;
  }
  return undefined;
}

/** JSON of a body that nobody vouches for, or undefined. */
export function parsed(bytes: Buffer): unknown {
  try {
    return parseJson(bytes);
  } catch {
    return undefined;
  }
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

export const withoutGaps = <T extends object>(object: T): Present<T> =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Present<T>;

const LAST_YEAR = 9_999;

/** A moment as ISO 8601; undefined where there is none that can be understood. */
export function momentIn(object: JsonObject | undefined, name: string): string | undefined {
  const moment = new Date(textIn(object, name) ?? "");
  const isUsual =
    !Number.isNaN(moment.getTime()) && moment.getUTCFullYear() > 0 && moment.getUTCFullYear() <= LAST_YEAR;
  return isUsual ? moment.toISOString() : undefined;
}
