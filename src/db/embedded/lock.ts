import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { ProviderError } from "../../errors.ts";
import { startMark } from "./processes.ts";
import { hasCode } from "./system-faults.ts";

export interface Lock {
  release(): Promise<void>;
}

const TRIES = 20;
const PAUSE_MS = 50;

/**
 * Makes this process the only one that manages the server of a data directory. The file names its holder by process id
 * and start mark, so what a killed process left is told from a live one and replaced. Rejects with `config_invalid`,
 * naming the holder, while that lives (also when the holder is this process).
 */
export async function takeLock(path: string): Promise<Lock> {
  const mine = `${process.pid} ${await startMark(process.pid)}\n`;
  for (let tried = 0; tried < TRIES; tried += 1) {
    if (await created(path, mine)) return { release: () => release(path, mine) };
    const theirs = await readFile(path, "utf8").catch(() => "");
    await refuseIfHeld(path, theirs);
    // An empty file is one that is being written, unless its writer was killed at that very moment.
    if (theirs === "" && tried < TRIES / 2) await sleep(PAUSE_MS);
    else await putAside(path, theirs);
  }
  throw new ProviderError("config_invalid", `The lock file ${path} cannot be taken.`);
}

async function created(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: "wx", mode: 0o644 });
    return true;
  } catch (fault) {
    if (hasCode(fault, "EEXIST")) return false;
    throw fault;
  }
}

async function refuseIfHeld(path: string, text: string): Promise<void> {
  const [pid = "", mark = ""] = text.trim().split(" ");
  if (mark === "" || (await startMark(Number(pid))) !== mark) return;
  throw new ProviderError(
    "config_invalid",
    `Process ${pid} already runs the embedded database of this data directory (${path}). ` +
      "Stop it first, or choose another DATA_DIR.",
  );
}

/** Moves a stale lock away. Whoever was quicker may have put a live one in its place: that one is given back. */
async function putAside(path: string, stale: string): Promise<void> {
  const aside = `${path}.${process.pid}`;
  try {
    await rename(path, aside);
  } catch (fault) {
    if (hasCode(fault, "ENOENT")) return;
    throw fault;
  }
  if ((await readFile(aside, "utf8")) === stale) await rm(aside);
  else await rename(aside, path);
}

async function release(path: string, mine: string): Promise<void> {
  const text = await readFile(path, "utf8").catch(() => "");
  if (text === mine) await rm(path, { force: true });
}
