import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "../cli/free-port.ts";

const PROGRAM = fileURLToPath(new URL("provider-main.js", import.meta.url));
/** What each of them writes once it is at work. */
const GREETINGS = { serve: /^Stallholder · /, work: /"msg":"worker started"/ } as const;
const LINES_KEPT = 40;
/** On a busy machine a start takes a while. One that takes longer is ended, told of, and begun again. */
const STARTS_WITHIN_MS = 120_000;
/** A start may meet a database that is just being ended; whoever runs the provider starts it again, but not for ever. */
const IS_BACK_WITHIN_MS = 240_000;
const PAUSE_MS = 250;

export interface ProviderOptions {
  /** Where its `dist` lies. */
  readonly folder: string;
  /** What it runs as: with a web server, unless said otherwise. */
  readonly command?: keyof typeof GREETINGS;
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
  /** Lets it stand still (SIGSTOP), or go on. Answers whether there was one. */
  signal(name: "SIGSTOP" | "SIGCONT"): boolean;
  /** Ends of a process that was up, and that nobody asked for. */
  readonly ownEnds: readonly string[];
  /** Starts that took too long: the provider hangs, or the machine is too busy for a soak. */
  readonly lateStarts: readonly string[];
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
  const { command = "serve" } = options;
  const lines: string[] = [];
  const ownEnds: string[] = [];
  const lateStarts: string[] = [];
  const killed = new Set<ChildProcess>();
  let closing = false;
  let isUp = false;
  let downSince = performance.now();
  let current: Life | undefined;
  let spare: Promise<Life> | undefined;
  let living = begin();

  async function begin(): Promise<Life> {
    const life = await loaded();
    current = life;
    life.child.stdin?.write("go\n");
    const late = setTimeout(() => endLate(life), STARTS_WITHIN_MS);
    await life.listening.finally(() => clearTimeout(late));
    isUp = true;
    options.say(`provider is up (process ${life.child.pid})`);
    spare = load();
    return life;
  }

  /** The spare, unless it has ended while it waited. */
  async function loaded(): Promise<Life> {
    const life = await spare;
    spare = undefined;
    return life === undefined || hasEnded(life) ? load() : life;
  }

  async function load(): Promise<Life> {
    const port = await freePort();
    const child = spawn(process.execPath, [PROGRAM, options.folder, command], {
      cwd: options.folder,
      env: { PATH: process.env["PATH"], LOG_LEVEL: "error", ...options.environment, PORT: String(port) },
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.on("error", () => undefined);
    const listening = heard(child, GREETINGS[command], keep);
    listening.catch(() => undefined);
    child.once("exit", (code, signal) => ended(child, signal ?? `code ${code}`));
    return { child, port, listening };
  }

  function keep(line: string): void {
    lines.push(line);
    if (lines.length > LINES_KEPT) lines.shift();
  }

  function endLate({ child }: Life): void {
    lateStarts.push(`The provider did not start within ${STARTS_WITHIN_MS / 1_000} s. ${lines.slice(-3).join(" ")}`);
    killed.add(child);
    child.kill("SIGKILL");
  }

  function ended(child: ChildProcess, how: string): void {
    if (closing) return;
    if (child !== current?.child) {
      options.say(`a spare ended: ${how}`);
      return;
    }
    if (isUp) downSince = performance.now();
    if (!killed.has(child)) endedByItself(how);
    isUp = false;
    current = undefined;
    living = options
      .betweenLives()
      .then(() => sleep(PAUSE_MS))
      .then(begin);
    living.catch(() => undefined);
  }

  const isLost = (): boolean => !isUp && performance.now() - downSince > IS_BACK_WITHIN_MS;

  function endedByItself(how: string): void {
    const sentence = `The provider ended by itself: ${how}. ${lines.slice(-3).join(" ")}`;
    options.say(sentence);
    if (isUp || isLost()) ownEnds.push(sentence);
  }

  /** A life that ends while it starts is followed by another. */
  async function alive(): Promise<Life> {
    for (;;) {
      const mine = living;
      try {
        return await mine;
      } catch (fault) {
        if (mine === living || isLost()) throw fault;
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
      if (isUp) downSince = performance.now();
      isUp = false;
      killed.add(current.child);
      return current.child.kill("SIGKILL");
    },
    signal: (name) => (isUp ? (current?.child.kill(name) ?? false) : false),
    ownEnds,
    lateStarts,
    lines,
    close: async () => {
      await alive().catch(() => undefined);
      closing = true;
      const lives = [current, await spare].filter((life) => life !== undefined);
      for (const { child } of lives) child.kill("SIGKILL");
      await Promise.all(lives.map((life) => hasEnded(life) || once(life.child, "exit")));
    },
  };
}

const hasEnded = ({ child }: Life): boolean => child.exitCode !== null || child.signalCode !== null;

/** Hands every line on; resolves at the greeting. */
function heard(child: ChildProcess, greeting: RegExp, keep: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`The provider ${why}.`));
    child.once("error", (fault) => fail(`cannot be run: ${fault.message}`));
    child.once("exit", () => fail("ended while it started"));
    for (const input of [child.stdout, child.stderr]) {
      if (input === null) continue;
      createInterface({ input }).on("line", (line) => {
        keep(line);
        if (greeting.test(line)) resolve();
      });
    }
  });
}
