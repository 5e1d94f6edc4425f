import type { Answer } from "./model/answers.ts";
import type { Call } from "./route.ts";

interface Range {
  readonly by: string;
  readonly after: string | undefined;
  readonly max: number;
  readonly descending: boolean;
}

const USUAL_MAX = 200;
const LARGEST_MAX = 1_000;

/**
 * A list in the platform's way: `Range: id ]last..; max=10, order=desc` picks a page, and a page that is not the last
 * one is a 206 with the `Next-Range` to send for the next.
 */
export function page(call: Call, rows: readonly Readonly<Record<string, unknown>>[]): Answer {
  const range = parseRange(call.header("range") ?? "");
  const sorted = sort(rows, range);
  const start = range.after === undefined ? 0 : sorted.findIndex((row) => keyOf(row, range.by) === range.after) + 1;
  const shown = sorted.slice(start, start + range.max);
  const headers = { "Accept-Ranges": "id, name, version" };
  if (start + range.max >= sorted.length) return { status: 200, body: shown, headers };
  const last = keyOf(shown.at(-1) ?? {}, range.by);
  const order = range.descending ? ", order=desc" : "";
  const next = `${range.by} ]${last}..; max=${range.max}${order}`;
  return { status: 206, body: shown, headers: { ...headers, "Next-Range": next } };
}

/** Lists asked for without a range keep the order in which things were made. */
function sort(rows: readonly Readonly<Record<string, unknown>>[], range: Range) {
  if (range.by === "") return rows;
  const direction = range.descending ? -1 : 1;
  const collator = new Intl.Collator("en", { numeric: true });
  return rows.toSorted((a, b) => direction * collator.compare(keyOf(a, range.by), keyOf(b, range.by)));
}

function keyOf(row: Readonly<Record<string, unknown>>, by: string): string {
  return String(row[by === "" ? "id" : by] ?? "");
}

function parseRange(header: string): Range {
  const match = /^\s*(\w+)\s+(?:\](.+?)|\[?[^;.]*)\.\.[^;]*(?:;(.*))?$/.exec(header);
  if (!match) return { by: "", after: undefined, max: USUAL_MAX, descending: false };
  const options = match[3] ?? "";
  const max = Number(/max=(\d+)/.exec(options)?.[1] ?? USUAL_MAX);
  return {
    by: match[1] ?? "id",
    after: match[2],
    max: Math.min(Math.max(max, 1), LARGEST_MAX),
    descending: /order=desc/.test(options),
  };
}
