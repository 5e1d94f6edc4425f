import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface CliRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Cli {
  /** Its own home and temporary folder. */
  readonly home: string;
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<CliRun>;
  close(): Promise<void>;
}

const LONGEST_RUN_MS = 90_000;

/** The unmodified CLI, pointed at `platform`, with a home of its own and nothing that calls anywhere else. */
export async function openCli(script: string, platform: string): Promise<Cli> {
  const home = await mkdtemp(join(tmpdir(), "stallholder-cli-"));
  await mkdir(join(home, "tmp"));
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    TMPDIR: join(home, "tmp"),
    XDG_CONFIG_HOME: join(home, "config"),
    XDG_CACHE_HOME: join(home, "cache"),
    XDG_DATA_HOME: join(home, "data"),
    GIT_CONFIG_GLOBAL: join(home, "gitconfig"),
    HEROKU_HOST: platform,
    HEROKU_PARTICLEBOARD_URL: platform,
    HEROKU_API_KEY: "sim",
    DISABLE_TELEMETRY: "true",
    HEROKU_SKIP_NEW_VERSION_CHECK: "true",
    HEROKU_DISABLE_AUTOUPDATE: "1",
    NO_COLOR: "1",
    COLUMNS: "200",
  };
  return {
    home,
    run: (args, more = {}) => runOnce(script, args, { ...env, ...more }),
    close: () => rm(home, { recursive: true, force: true, maxRetries: 3 }),
  };
}

async function runOnce(script: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<CliRun> {
  const child = spawn(process.execPath, [script, ...args], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: LONGEST_RUN_MS,
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { code, stdout: Buffer.concat(out).toString("utf8"), stderr: Buffer.concat(err).toString("utf8") };
}
