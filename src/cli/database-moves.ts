import { setTimeout as sleep } from "node:timers/promises";
import type { ListedDatabase, Model, Move, Progress } from "../isolation/databases/databases.ts";
import { thisOperator } from "./operator-database.ts";
import { withDatabases } from "./with-databases.ts";

interface MoveOptions {
  readonly to: Model;
  readonly json?: boolean;
}

const LOOK_EVERY_MS = 500;
const FAILED = 1;

/** Begins a move and waits for its end. A worker does it: whoever stops waiting stops nothing. */
export async function move(tenant: string, { to, json }: MoveOptions): Promise<void> {
  await withDatabases("move", async ({ databases }) => {
    const id = await databases.move(tenant, to, thisOperator());
    for (;;) {
      const found = await databases.findMove(tenant, id);
      if (found === undefined) throw new Error("The move is not there.");
      if (isOver(found)) return end(found, json);
      if (!json) draw(`${found.state.padEnd(9)} ${progressOf(found)}${found.fault === null ? "" : `  ${found.fault}`}`);
      await sleep(LOOK_EVERY_MS);
    }
  });
}

const isOver = ({ state }: Move): boolean => ["kept", "removing", "done", "cancelled", "failed"].includes(state);

function end(found: Move, json: boolean | undefined): void {
  const { state, from, to, rows, bytes, reason, keptUntil } = found;
  const moved = state !== "cancelled" && state !== "failed";
  if (!moved) process.exitCode = FAILED;
  if (json) {
    process.stdout.write(`${JSON.stringify({ state, from, to, rows, bytes, reason, keptUntil })}\n`);
    return;
  }
  draw("");
  process.stdout.write(
    moved
      ? `Moved from ${from} to ${to}: ${counted(found)}. What was there is kept until ${keptUntil?.toISOString()}.\n`
      : `The data stay in the ${from}: ${reason ?? "the move was given up."}\n`,
  );
}

interface RestoreIntoOptions {
  readonly into: string;
  readonly json?: boolean;
}

/** Copies what is kept of a removed tenant into a living, empty one. */
export async function restoreInto(from: string, { into, json }: RestoreIntoOptions): Promise<void> {
  await withDatabases("restore", async ({ databases }) => {
    let last: Progress | undefined;
    const onProgress = (progress: Progress): void => {
      last = progress;
      if (!json) draw(progressOf(progress));
    };
    await databases.restoreInto({ from, into, onProgress });
    if (!json) draw("");
    const [rows, bytes] = [last?.rows ?? 0, last?.bytes ?? 0];
    process.stdout.write(json ? `${JSON.stringify({ rows, bytes })}\n` : `Restored: ${counted({ rows, bytes })}.\n`);
  });
}

const WIDTH = 30;

/** How far rows have come, as the statistics have their number. */
function progressOf({ rows, rowsAbout, tables, tablesDone, bytes }: Progress): string {
  if (tables === 0) return "";
  const done = Math.min(1, tablesDone === tables ? 1 : rows / Math.max(rowsAbout, rows, 1));
  const bar = "█".repeat(Math.round(done * WIDTH)).padEnd(WIDTH, "░");
  return `${bar} ${tablesDone} of ${tables} tables, ${counted({ rows, bytes })}`;
}

const counted = ({ rows, bytes }: Pick<Progress, "rows" | "bytes">): string =>
  `${rows.toLocaleString("en")} rows, ${(bytes / 1024 / 1024).toFixed(1)} MB`;

/** On a terminal, in place of the line before. */
function draw(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
}

/** What `databases list` says of a tenant's moves. */
export function movesOf({ moves }: ListedDatabase): readonly string[] {
  return moves.map((one) => {
    if (one.state === "failed") return `stays in the ${one.from}: ${one.reason}`;
    if (one.state === "kept" || one.state === "removing")
      return `the ${one.from} is kept until ${one.keptUntil?.toISOString()}`;
    return `to ${one.to}: ${one.state} ${progressOf(one)}${one.fault === null ? "" : `  ${one.fault}`}`.trimEnd();
  });
}
