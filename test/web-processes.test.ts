import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./cli/free-port.ts";
import { ownDatabase, type TestDatabase } from "./support/cluster.ts";

const PATIENCE_MS = 60_000;

let database: TestDatabase;
const started: ChildProcess[] = [];

beforeAll(async () => {
  database = await ownDatabase();
});

afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
});

afterAll(() => database.drop());

const secret = () => randomBytes(24).toString("hex");

/** `stallholder serve` as production runs it, by two processes. */
async function serveByTwo(more: NodeJS.ProcessEnv = {}): Promise<{ child: ChildProcess; origin: string }> {
  const port = `${await freePort()}`;
  const child = spawn(process.execPath, ["dist/main.js", "serve"], {
    env: {
      PATH: process.env["PATH"],
      NODE_ENV: "production",
      WEB_CONCURRENCY: "2",
      DATABASE_URL: database.appUrl,
      PUBLIC_URL: "https://addons.example.com",
      SECRET_KEYS: `first:${randomBytes(32).toString("base64")}`,
      ...Object.fromEntries(
        ["HEROKU_PASSWORD", "HEROKU_SSO_SALT", "HEROKU_CLIENT_SECRET", "PRODUCT_SECRET"].map((name) => [
          name,
          secret(),
        ]),
      ),
      HOST: "127.0.0.1",
      PORT: port,
      LOG_LEVEL: "warn",
      ...more,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.push(child);
  return { child, origin: `http://127.0.0.1:${port}` };
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const ends = performance.now() + PATIENCE_MS; performance.now() < ends; await sleep(100)) {
    const seen = await look().catch(() => undefined);
    if (seen !== undefined) return seen;
  }
  throw new Error("It did not come about.");
}

/** A connection of its own each time, so that the processes take turns. */
const ask = (origin: string, path: string) => fetch(`${origin}${path}`, { headers: { connection: "close" } });
const alive = (origin: string) => until(async () => ((await ask(origin, "/livez")).status === 200 ? true : undefined));

async function figures(origin: string): Promise<{ readonly live: number; readonly processes: number }> {
  const text = await (await ask(origin, "/metrics")).text();
  const count = (name: string) => Number(new RegExp(`^${name} (\\d+)`, "m").exec(text)?.[1]);
  return {
    live: count('stallholder_http_requests_total\\{route="/livez",method="GET",status="200"\\}'),
    processes: count("stallholder_web_processes"),
  };
}

const childrenOf = (pid: number): readonly number[] =>
  execFileSync("pgrep", ["-P", `${pid}`], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map(Number);

test("two processes share the port and tell their figures together; one that is killed is replaced; SIGTERM ends all", async () => {
  const { child, origin } = await serveByTwo();
  const said: string[] = [];
  child.stdout?.on("data", (chunk: Buffer) => said.push(`${chunk}`));
  await until(async () => ((await figures(origin)).processes === 2 ? true : undefined));
  const before = (await figures(origin)).live || 0;
  for (let asked = 0; asked < 10; asked += 1) expect((await ask(origin, "/livez")).status).toBe(200);
  await until(async () => ((await figures(origin)).live === before + 10 ? true : undefined));

  const [first] = childrenOf(child.pid ?? 0);
  process.kill(first ?? 0, "SIGKILL");
  await until(async () => (said.join("").includes("another takes its place") ? true : undefined));
  await until(async () => ((await figures(origin)).processes === 2 ? true : undefined));
  expect(childrenOf(child.pid ?? 0)).not.toContain(first);

  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
  await expect(ask(origin, "/livez")).rejects.toThrow();
});

test("what keeps one from starting ends all, with its exit code", async () => {
  const { child } = await serveByTwo({ MANIFEST_FILE: "no-such-manifest.json" });
  expect((await once(child, "exit"))[0]).toBe(78);
  const port = `${await freePort()}`;
  await serveByTwo({ PORT: port });
  await alive(`http://127.0.0.1:${port}`);
  const { child: second } = await serveByTwo({ PORT: port });
  expect((await once(second, "exit"))[0]).toBe(69);
});
