import { revenue } from "./revenue.ts";
import { type Cursor, type Line, pageOf, type Subject, shareBefore } from "./subject.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const LINES = 5_000;
/** Looked at in one step, whether they used anything or not. */
const TENANTS = 2_000;

/** One line for each tenant, hour and dimension. */
const usage: Subject = {
  columns: [
    { name: "tenant", type: "text" },
    { name: "marketplace", type: "text" },
    { name: "plan", type: "text" },
    { name: "hour", type: "moment" },
    { name: "dimension", type: "text" },
    { name: "quantity", type: "decimal" },
    { name: "events", type: "integer" },
    { name: "state", type: "text" },
    { name: "units", type: "integer" },
    { name: "verdict", type: "text" },
    { name: "accepted_at", type: "moment" },
  ],
  usualSpan: (now) => {
    const to = new Date(Math.ceil(now.getTime() / HOUR_MS) * HOUR_MS);
    return { from: new Date(to.getTime() - 30 * DAY_MS), to };
  },
  steps: (store, span, cursor) =>
    walk(cursor, (after) => pageOf<Line>(store, "export_usage", { ...span, after }, LINES, TENANTS)),
};

/** One line for each purchase, those that have ended too. */
const tenants: Subject = {
  columns: [
    { name: "id", type: "text" },
    { name: "marketplace", type: "text" },
    { name: "resource_id", type: "text" },
    { name: "name", type: "text" },
    { name: "app", type: "text" },
    { name: "region", type: "text" },
    { name: "plan", type: "text" },
    { name: "state", type: "text" },
    { name: "created_at", type: "moment" },
    { name: "changed_at", type: "moment" },
    { name: "ended_at", type: "moment" },
  ],
  usualSpan: (now) => ({ from: new Date(0), to: now }),
  steps: (store, span, cursor) =>
    walk(cursor, (after) => pageOf<Line>(store, "export_tenants", { ...span, after }, LINES)),
};

export const subjects = { usage, tenants, revenue } as const satisfies Record<string, Subject>;
export type SubjectName = keyof typeof subjects;

async function* walk(
  begin: Cursor | null,
  read: (after: Cursor | null) => Promise<{ rows: readonly Line[]; after: Cursor | null }>,
) {
  let cursor = begin;
  do {
    const { rows, after } = await read(cursor);
    cursor = after;
    yield { lines: rows, cursor, share: cursor === null ? 1 : shareBefore(cursor["tenant"]) };
  } while (cursor !== null);
}
