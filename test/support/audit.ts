import pg from "pg";
import { type AuditQuestion, type AuditVerdict, verifyAudit } from "../../src/events/audit-read.ts";
import { deriveEach, type KeyRing } from "../../src/secrets/key-ring.ts";
import type { TestProvider } from "./provider.ts";

/** The keys that seal anchors, by their ids. */
export function auditKeys(ring: KeyRing) {
  const keys = deriveEach(ring, "audit");
  return new Map([...ring.byId.keys()].map((id, place) => [id, keys[place] as (typeof keys)[number]]));
}

/** What the checker says of the shop's audit. */
export function verdictOf(shop: TestProvider, more: Partial<AuditQuestion> = {}) {
  return verifyAudit(shop.deps.store, { keys: auditKeys(shop.ring), ...more });
}

/** What the checker would say if a superuser did this, past every trigger; nothing of it stays. */
export async function verdictAfter(shop: TestProvider, tamper: string, more: Partial<AuditQuestion> = {}) {
  const client = new pg.Client({ connectionString: shop.database.superuserUrl });
  await client.connect();
  try {
    await client.query("begin; set local session_replication_role = replica");
    const done = [await client.query(tamper)].flat();
    const throughDoor = async (statement: { text: string; values?: readonly unknown[] }) =>
      (await client.query(statement.text, [...(statement.values ?? [])])).rows;
    const verdict: AuditVerdict = await verifyAudit({ throughDoor } as never, { keys: auditKeys(shop.ring), ...more });
    return { ...verdict, touched: done.at(-1)?.rowCount ?? 0 };
  } finally {
    await client.query("rollback");
    await client.end();
  }
}
