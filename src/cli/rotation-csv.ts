import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { stringify } from "csv-stringify/sync";
import type { Store } from "../isolation/isolation.ts";
import { type RotationProof, rotationProof } from "../provider/rotations.ts";

const COLUMNS = [
  "tenant",
  "marketplace",
  "canary",
  "state",
  "kind",
  "var",
  "old_key_id",
  "old_last_four",
  "new_key_id",
  "new_last_four",
  "rotated_at",
  "new_judged_valid_at",
  "new_checked",
  "pushed_at",
  "old_ended_at",
  "tries",
  "note",
] as const;

/**
 * For the auditor: a line for each key that was replaced, and one for each tenant without. Key ids and last four
 * characters, never a value. A cell that a spreadsheet would take for a formula is quoted.
 */
export async function writeProof(store: Store, rotation: string, file: string): Promise<void> {
  await pipeline(Readable.from(linesOf(store, rotation)), createWriteStream(file, { mode: 0o600 }));
}

async function* linesOf(store: Store, rotation: string): AsyncGenerator<string> {
  yield stringify([COLUMNS]);
  for await (const proof of rotationProof(store, rotation)) {
    yield stringify(rowsOf(proof), { columns: [...COLUMNS], escape_formulas: true });
  }
}

function rowsOf(proof: RotationProof): Record<(typeof COLUMNS)[number], unknown>[] {
  const keys: readonly Partial<RotationProof["keys"][number]>[] = proof.keys.length > 0 ? proof.keys : [{}];
  return keys.map((key) => ({
    tenant: proof.tenant,
    marketplace: proof.marketplace,
    canary: proof.canary ? "yes" : "no",
    state: proof.state,
    kind: key.kind,
    var: key.var,
    old_key_id: key.old?.key_id,
    old_last_four: key.old?.last_four,
    new_key_id: key.new?.key_id,
    new_last_four: key.new?.last_four,
    rotated_at: proof.rotated_at,
    new_judged_valid_at: key.new?.proven === false ? null : proof.judged_at,
    new_checked: key.new?.checked,
    pushed_at: proof.pushed_at,
    old_ended_at: proof.ended_at,
    tries: proof.attempts,
    note: proof.note,
  }));
}
