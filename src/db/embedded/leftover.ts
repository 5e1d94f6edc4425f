import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ProviderError } from "../../errors.ts";
import { endServer } from "./ending.ts";
import { commandLine } from "./processes.ts";
import type { Site } from "./site.ts";
import { hasCode } from "./system-faults.ts";

/** Larger than any process id of Linux and macOS. */
const NOBODY = "2147483647";

/**
 * A server's command line carries this, and so tells of which cluster it is: a folder keeps its device and inode when
 * it is renamed, and a copy has others.
 */
export async function clusterMark(cluster: string): Promise<string> {
  const { dev, ino } = await stat(cluster, { bigint: true });
  return `stallholder.cluster=${dev}:${ino}`;
}

/**
 * Stops the server that a killed process of ours left behind. Its `postmaster.pid` stays: PostgreSQL itself must see
 * whether other processes of that server still hold its shared memory. Only when the id in it has since gone to a
 * stranger, at which PostgreSQL would refuse to start for ever, it is replaced by one that nobody has.
 */
export async function stopLeftover(site: Site): Promise<void> {
  const { cluster } = site.places;
  const file = join(cluster, "postmaster.pid");
  const [first = "", ...rest] = (await readFile(file, "utf8").catch(() => "")).split("\n");
  const pid = Number(first);
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return;

  const mark = await clusterMark(cluster);
  const isServer = async (): Promise<boolean> => (await commandLine(pid))?.split(" ").includes(mark) === true;
  if (!(await isServer())) return writeFile(file, [NOBODY, ...rest].join("\n"));
  site.say(`PostgreSQL: stopping server ${pid}, which a killed process left behind`);
  const kill = (signal: NodeJS.Signals): void => void process.kill(pid, signal);
  if (await endServer(kill, async () => !(await isServer()))) return;
  throw new ProviderError("config_invalid", `PostgreSQL process ${pid} does not stop. End it, then start again.`);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (fault) {
    return hasCode(fault, "EPERM");
  }
}
