import type { Tx } from "../../../db/db.ts";
import { ProviderError } from "../../../errors.ts";
import type { Model } from "../names.ts";
import { changeMove, giveUpMove, type MoveState } from "./rows.ts";
import type { MoveWork } from "./work.ts";

/**
 * The moment from which the new place is the tenant's: one transaction of ours. Nobody settles the tenant meanwhile, so
 * nobody writes down what it read before.
 */
export async function switchOver(work: MoveWork): Promise<MoveState | undefined> {
  const { parts, move } = work;
  const { store, clock } = parts;
  const now = clock.now();
  return store.asTenant(move.tenant, async (tx) => {
    await tx.query("select from tenants where id = $1 for no key update", [move.tenant]);
    const aim = await parts.aim(tx);
    if (aim?.standing !== "open" && aim?.standing !== "suspended") {
      await giveUpMove(tx, { outcome: "cancelled", reason: "The purchase ended." }, now);
      return undefined;
    }
    if (!(await putInForce(tx, move.from, move.to, now))) {
      throw new ProviderError("unavailable", "Another change of this database is under way.", { retryAfter: 1 });
    }
    const changed = await changeMove(tx, work.held(), { state: "switched", login: null }, now);
    if (changed === undefined) throw new ProviderError("unavailable", "The move is no longer ours.");
    await parts.tell(tx, move.tenant, { type: "moved", data: { from: move.from, to: move.to } });
    return "switched";
  });
}

async function putInForce(tx: Tx, from: Model, to: Model, now: Date): Promise<boolean> {
  const rows = await tx.query(
    `update tenant_databases set model = $2, asked = asked + 1, due_at = '-infinity', lease = null, lease_until = null, changed_at = $3
     where tenant_id = this_tenant() and model = $1 and (lease_until is null or lease_until <= $3) returning true`,
    [from, to, now],
  );
  return rows.length > 0;
}
