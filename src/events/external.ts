import { createHash } from "node:crypto";
import type { Tx } from "../db/db.ts";
import { ProviderError } from "../errors.ts";
import { appendEvent, type By } from "./events.ts";

/** What one of the vendor's other systems tells about a tenant. */
export interface ExternalEvent {
  /** Who tells it, and their id of it: the two name it for ever. */
  readonly source: string;
  readonly id: string;
  readonly type: string;
  /** Now when absent; and then no part of what makes a repeat the same. */
  readonly time?: Date | undefined;
  /** Whether the customer sees it. */
  readonly public: boolean;
  /** In one sentence, for a timeline. */
  readonly title?: string | undefined;
  readonly data?: unknown;
}

export interface Attached {
  /** Our id of it. */
  readonly event: string;
  /** false for a repeat. */
  readonly fresh: boolean;
}

/**
 * Puts it into the history of this transaction's tenant, which is locked by it. The second time it is there already;
 * with other content it is a `request_conflict`. Throws `tenant_not_found`.
 */
export async function attachExternal(tx: Tx, event: ExternalEvent, by: By, now: Date): Promise<Attached> {
  const [tenant] = await tx.query<{ id: string }>("select id from tenants for no key update");
  if (tenant === undefined) throw new ProviderError("tenant_not_found", "There is no such tenant.");
  const digest = digestOf(event);
  const [known] = await tx.query<{ digest: string; event_id: string }>(
    "select digest, event_id from external_events where source = $1 and id = $2",
    [event.source, event.id],
  );
  if (known !== undefined) {
    if (known.digest === digest) return { event: known.event_id, fresh: false };
    throw new ProviderError("request_conflict", "This event came before with other content.");
  }
  const { source, id, type, time = now, title = null, public: isPublic, data = null } = event;
  const told = { type: `external.${type}`, by, at: time, data: { source, id, public: isPublic, title, data } } as const;
  await appendEvent(tx, tenant.id, told, now);
  const [row] = await tx.query<{ event_id: string }>(
    `insert into external_events (tenant_id, source, id, digest, event_id, recorded_at)
     select $1, $2, $3, $4, e.id, $5 from lifecycle_events e order by e.sequence desc limit 1 returning event_id`,
    [tenant.id, source, id, digest, now],
  );
  if (row === undefined) throw new Error("The event was not written.");
  return { event: row.event_id, fresh: true };
}

function digestOf({ type, time, public: isPublic, title, data }: ExternalEvent): string {
  const said = sorted([type, time?.toISOString() ?? null, isPublic, title ?? null, data ?? null]);
  return createHash("sha256").update(JSON.stringify(said)).digest("hex");
}

/** The same value with the members of its objects in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}
