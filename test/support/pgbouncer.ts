import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

const PROGRAM = "/usr/sbin/pgbouncer";
/** Any account that is not root: the program refuses to be. */
const NOBODY = 65_534;

/** Tests through the pooler bear this name where it is not installed, and are skipped. */
export const poolerIsHere = existsSync(PROGRAM);
export const throughPooler = poolerIsHere
  ? "through pgbouncer in transaction mode"
  : "through pgbouncer (skipped: /usr/sbin/pgbouncer is not installed)";

export interface Pooler {
  /** The same login and database, behind the pooler. */
  behind(url: string): string;
  stop(): Promise<void>;
}

export interface PoolerOptions {
  readonly connections?: number;
  /** Whoever logs in, this login of `urls` is what the server sees: connections change hands between logins. */
  readonly everybodyAs?: string;
}

/** A pooler in transaction mode before the server of these logins, with few connections, so that they change hands. */
export async function startPooler(
  urls: readonly string[],
  { connections = 2, everybodyAs }: PoolerOptions = {},
): Promise<Pooler> {
  const folder = await mkdtemp(join(tmpdir(), "stallholder-pooler-"));
  const port = await freePort();
  const { hostname, port: serverPort } = new URL(urls[0] ?? "");
  const users = urls.map((url) => new URL(url)).map(({ username, password }) => `"${username}" "${password}"`);
  const settings = join(folder, "pgbouncer.ini");
  const forced = everybodyAs === undefined ? "" : ` user=${everybodyAs}`;
  await writeFile(join(folder, "users.txt"), `${[...new Set(users)].join("\n")}\n`);
  await writeFile(
    settings,
    `[databases]\n* = host=${hostname} port=${serverPort}${forced}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = plain
auth_file = ${join(folder, "users.txt")}
pool_mode = transaction
default_pool_size = ${connections}
max_client_conn = 200
ignore_startup_parameters = extra_float_digits
`,
  );
  await Promise.all([folder, settings, join(folder, "users.txt")].map((path) => chmod(path, 0o755)));
  const asNobody = process.geteuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const child = spawn(PROGRAM, ["-q", settings], { stdio: "ignore", ...asNobody });
  const behind = (url: string): string => Object.assign(new URL(url), { port: String(port) }).href;
  await untilItAnswers(behind(urls[0] ?? ""), child);
  return {
    behind,
    stop: async () => {
      child.kill("SIGTERM");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      await rm(folder, { recursive: true });
    },
  };
}

/** The same tests twice: straight to this database, and through the pooler where it is installed. */
export function bothWays(urlOf: () => string, tests: (url: () => string) => void): void {
  describe("straight", () => tests(urlOf));
  (poolerIsHere ? describe : describe.skip)(throughPooler, () => {
    let pooler: Pooler;
    beforeAll(async () => {
      pooler = await startPooler([urlOf()], { connections: 5 });
    });
    afterAll(() => pooler.stop());
    tests(() => pooler.behind(urlOf()));
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function untilItAnswers(url: string, child: ChildProcess): Promise<void> {
  for (let tried = 0; child.exitCode === null && tried < 100; tried += 1) {
    const client = new pg.Client({ connectionString: url });
    client.on("error", () => undefined);
    const answered = await client.connect().then(
      () => true,
      () => false,
    );
    await client.end().catch(() => undefined);
    if (answered) return;
    await sleep(50);
  }
  throw new Error("pgbouncer does not answer.");
}
