import type { Tx } from "../../../db/db.ts";
import type { DatabaseRow, Settled } from "../rows.ts";
import { activeMove, endKept, giveUpMove, planMove } from "./rows.ts";

/** A settlement has read what the tenant should have: where that is another model now, a move begins or is given up. */
export async function followSettlement(tx: Tx, row: DatabaseRow, settled: Settled, now: Date): Promise<void> {
  if (settled.state === "removed") return endKept(tx, now);
  if (settled.state === "retained") {
    return giveUpMove(tx, { outcome: "cancelled", reason: "The purchase ended." }, now);
  }
  if (settled.wanted === row.wanted) return;
  const { model, wanted } = settled;
  const move = await activeMove(tx);
  if (move !== undefined) {
    if (move.to === wanted) return;
    return giveUpMove(tx, { outcome: "cancelled", reason: "The plan was changed again." }, now);
  }
  if (model === wanted || (settled.state !== "ready" && settled.state !== "suspended")) return;
  await planMove(tx, { tenant: row.tenant, from: model, to: wanted, planModel: wanted, by: "job:databases" }, now);
}
