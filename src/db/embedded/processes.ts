import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const runFile = promisify(execFile);
const PS_MS = 5_000;

/** The arguments a live process was started with, joined by spaces; undefined when it is gone or already a zombie. */
export async function commandLine(pid: number): Promise<string | undefined> {
  if (process.platform !== "linux") return ps(pid, "args=");
  const text = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return text === "" ? undefined : text.replaceAll("\0", " ");
}

/** Tells a live process from any other that had or will have the same id; undefined when no such process lives. */
export async function startMark(pid: number): Promise<string | undefined> {
  if (process.platform !== "linux") return ps(pid, "lstart=");
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The second field is the program's name in parentheses and may hold anything; the rest is plain.
  const [state, ...fields] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return state === "" || state === "Z" || state === "X" ? undefined : fields[18];
}

async function ps(pid: number, column: string): Promise<string | undefined> {
  const answer = await runFile("ps", ["-ww", "-o", column, "-p", String(pid)], { timeout: PS_MS }).catch(
    () => undefined,
  );
  return answer?.stdout.trim() || undefined;
}
