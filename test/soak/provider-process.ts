import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { freePort } from "../cli/free-port.ts";

const PROGRAM = fileURLToPath(new URL("provider-main.js", import.meta.url));
/** Printed once the provider listens. */
const GREETING = "Stallholder · ";
const LINES_KEPT = 40;
const STARTS_WITHIN_MS = 90_000;
/** A start may meet a database that is just being ended; whoever runs the provider starts it again. */
const STARTS_IN_VAIN = 5;

export interface ProviderOptions {
  /** Where its `dist` lies. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Called between the end of one process and the start of the next. */
  readonly betweenLives: () => Promise<void>;
  readonly say: (line: string) => void;
}

/** The provider, started again whenever it has been killed. */
export interface ProviderProcess {
  /** The port of the living process; waits for a start that is under way. */
  port(): Promise<number>;
  readonly isUp: boolean;
  /** Ends it as `kill -9` does, also while it starts. Answers whether there was one. */
  kill(): boolean;
  /** Ends of a process that was up, and that nobody asked for. */
  readonly ownEnds: readonly string[];
  /** The last lines it wrote. */
  readonly lines: readonly string[];
  close(): Promise<void>;
}

interface Life {
  readonly child: ChildProcess;
  readonly port: number;
  /** Resolves when it listens; rejects when it ends before. */
  readonly listening: Promise<void>;
}

export async function startProvider(options: ProviderOptions): Promise<ProviderProcess> {
  const lines: string[] = [];
  const ownEnds: string[] = [];
  const killed = new Set<ChildProcess>();
  let closing = false;
  let isUp = false;
  let inVain = 0;
  let current: Life | undefined;
  let spare: Promise<Life> | undefined;
  let living = begin();

  async function begin(): Promise<Life> {
    const life = await (spare ?? load());
    spare = undefined;
    current = life;
    life.child.stdin?.write("go\n");
    await life.listening;
    isUp = true;
    inVain = 0;
    options.say(`provider is up (process ${life.child.pid})`);
    spare = load();
    return life;
  }

  async function load(): Promise<Life> {
    const port = await freePort();
    const child = spawn(process.execPath, [PROGRAM, options.folder], {
      cwd: options.folder,
      env: { PATH: process.env["PATH"], LOG_LEVEL: "error", ...options.environment, PORT: String(port) },
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.on("error", () => undefined);
    const listening = heard(child, keep);
    listening.catch(() => undefined);
    child.once("exit", (code, signal) => ended(child, signal ?? `code ${code}`));
    return { child, port, listening };
  }

  function keep(line: string): void {
    lines.push(line);
    if (lines.length > LINES_KEPT) lines.shift();
  }

  function ended(child: ChildProcess, how: string): void {
    if (closing || child !== current?.child) return;
    if (!killed.has(child)) endedByItself(how);
    isUp = false;
    current = undefined;
    living = options.betweenLives().then(begin);
    living.catch(() => undefined);
  }

  function endedByItself(how: string): void {
    const sentence = `The provider ended by itself: ${how}. ${lines.slice(-3).join(" ")}`;
    options.say(sentence);
    inVain += 1;
    if (isUp || inVain >= STARTS_IN_VAIN) ownEnds.push(sentence);
  }

  /** A life that ends while it starts is followed by another. */
  async function alive(): Promise<Life> {
    for (;;) {
      const mine = living;
      try {
        return await mine;
      } catch (fault) {
        if (mine === living || inVain >= STARTS_IN_VAIN) throw fault;
      }
    }
  }

  await alive();
  return {
    port: async () => (await alive()).port,
    get isUp() {
      return isUp;
    },
    kill: () => {
      if (current === undefined || killed.has(current.child)) return false;
      isUp = false;
      killed.add(current.child);
      return current.child.kill("SIGKILL");
    },
    ownEnds,
    lines,
    close: async () => {
      await alive().catch(() => undefined);
      closing = true;
      const lives = [current, await spare].filter((life) => life !== undefined);
      for (const { child } of lives) child.kill("SIGKILL");
      await Promise.all(lives.map(({ child }) => child.exitCode ?? child.signalCode ?? once(child, "exit")));
    },
  };
}

/** Hands every line on; resolves at the greeting. */
function heard(child: ChildProcess, keep: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`The provider ${why}.`));
    child.once("error", (fault) => fail(`cannot be run: ${fault.message}`));
    child.once("exit", () => fail("ended while it started"));
    const late = setTimeout(() => fail("does not start"), STARTS_WITHIN_MS);
    late.unref();
    for (const input of [child.stdout, child.stderr]) {
      if (input === null) continue;
      createInterface({ input }).on("line", (line) => {
        keep(line);
        if (!line.startsWith(GREETING)) return;
        clearTimeout(late);
        resolve();
      });
    }
  });
}
