import { type ChildProcess, spawn } from "node:child_process";
import { open, readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ProviderError } from "../../errors.ts";
import type { Binaries } from "./binaries.ts";
import { endServer, within } from "./ending.ts";
import { clusterMark, stopLeftover } from "./leftover.ts";
import { clusterArgument, ENVIRONMENT, type Site } from "./site.ts";

export interface RunningServer {
  readonly port: number;
  /** Waits until the process is gone; the second call answers the same promise. */
  stop(): Promise<void>;
}

/** A started program and, once it has ended, how. */
interface Running {
  readonly process: ChildProcess;
  readonly port: number;
  ended: string | undefined;
}

/** After a crash every file is looked at first: with the tables of 10,000 tenants half a minute is not enough. */
const READY_MS = 300_000;
const TRIES = 5;
const PAUSE_MS = 250;
/** Somebody took the port, or the last of an older server's processes is still going away: both pass. */
const PASSING = /could not create any TCP\/IP sockets|postmaster\.pid|shared memory block .* still in use/;

/**
 * Starts the server on a free port of 127.0.0.1 and waits until it accepts connections, at most five minutes. It runs in
 * a session of its own, so Ctrl-C in a terminal reaches us and not it; when this process exits without having stopped
 * it, it is told to.
 */
export async function startServer(site: Site, binaries: Binaries): Promise<RunningServer> {
  for (let tried = 1; ; tried += 1) {
    await stopLeftover(site);
    const running = await launch(site, binaries);
    if (await isReady(site, running)) return supervise(site, running);
    const how = running.ended ?? `not ready after ${READY_MS / 1000} s`;
    await endServer(killing(running), () => running.ended !== undefined);
    const log = await readFile(site.places.log, "utf8");
    if (tried === TRIES || !PASSING.test(log)) throw failure(how, log, site.places.log);
    await sleep(PAUSE_MS);
  }
}

async function launch(site: Site, binaries: Binaries): Promise<Running> {
  const port = await freePort();
  const args = await serverArguments(site, port);
  const log = await open(site.places.log, "w", 0o600);
  try {
    const child = spawn(binaries.postgres, args, {
      ...site.account,
      cwd: site.places.cluster,
      env: ENVIRONMENT,
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
    });
    const running: Running = { process: child, port, ended: undefined };
    child.once("error", (fault) => {
      running.ended = fault.message;
    });
    child.once("exit", (code, signal) => {
      running.ended = signal === null ? `exit code ${code}` : `signal ${signal}`;
    });
    return running;
  } finally {
    await log.close();
  }
}

/** On the command line, not in a file, so that an older cluster follows a newer release. */
async function serverArguments(site: Site, port: number): Promise<string[]> {
  const { cluster } = site.places;
  const settings = [
    "listen_addresses=127.0.0.1",
    `port=${port}`,
    "unix_socket_directories=",
    "max_connections=200",
    "shared_buffers=128MB",
    "jit=off",
    "logging_collector=off",
    "log_checkpoints=off",
    // The text of a failed statement and its detail may hold a customer's data.
    "log_min_error_statement=panic",
    "log_error_verbosity=terse",
    ...(site.durable ? [] : ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]),
    await clusterMark(cluster),
  ];
  return ["-D", clusterArgument(site, cluster), ...settings.flatMap((setting) => ["-c", setting])];
}

/** The eighth line of `postmaster.pid` is what PostgreSQL's own pg_ctl waits for. */
async function isReady(site: Site, running: Running): Promise<boolean> {
  const file = join(site.places.cluster, "postmaster.pid");
  await within(READY_MS, async () => running.ended !== undefined || (await saysReady(file, running)));
  return running.ended === undefined && saysReady(file, running);
}

async function saysReady(file: string, running: Running): Promise<boolean> {
  const lines = (await readFile(file, "utf8").catch(() => "")).split("\n");
  return lines[0] === String(running.process.pid) && lines[7]?.trim() === "ready";
}

function supervise(site: Site, running: Running): RunningServer {
  const kill = killing(running);
  const onExit = (): void => kill("SIGINT");
  const onEnd = (): void =>
    site.say(`PostgreSQL: the server ended by itself (${running.ended}); see ${site.places.log}`);
  process.once("exit", onExit);
  running.process.once("exit", onEnd);
  running.process.unref();

  const stop = async (): Promise<void> => {
    running.process.off("exit", onEnd);
    const gone = await endServer(kill, () => running.ended !== undefined);
    process.off("exit", onExit);
    if (!gone) throw new ProviderError("internal", `PostgreSQL process ${running.process.pid} does not stop.`);
  };
  let stopping: Promise<void> | undefined;
  return {
    port: running.port,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

function killing(running: Running): (signal: NodeJS.Signals) => void {
  return (signal) => void running.process.kill(signal);
}

function failure(how: string, log: string, path: string): ProviderError {
  const line = log.split("\n").findLast((text) => /FATAL|PANIC|error/i.test(text)) ?? "";
  return new ProviderError("config_invalid", `PostgreSQL did not start (${how}): ${line}; see ${path}.`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const listener = createServer();
    listener.once("error", reject);
    listener.listen(0, "127.0.0.1", () => {
      const address = listener.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      listener.close(() => resolve(port));
    });
  });
}
