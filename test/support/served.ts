import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../cli/free-port.ts";
import { ownDatabase } from "./cluster.ts";

const READY_WITHIN_MS = 60_000;

export interface Served {
  readonly provider: string;
  readonly simulator: string;
  readonly operatorToken: string;
  readonly productSecret: string;
  /** One request to the simulator's controls; the body is sent as JSON. */
  control(path: string, body: object): Promise<void>;
  close(): Promise<void>;
}

/** `stallholder serve` beside its simulator, as a process of its own on a database of its own. */
export async function serve(): Promise<Served> {
  const [database, port, simulatorPort, dataDir] = await Promise.all([
    ownDatabase(),
    freePort(),
    freePort(),
    mkdtemp(join(tmpdir(), "stallholder-served-")),
  ]);
  const secrets = { OPERATOR_TOKEN: "the-operators-own-token", PRODUCT_SECRET: "the-secret-of-the-product-alone" };
  const urls = { DATABASE_URL: database.appUrl, MIGRATION_DATABASE_URL: database.ownerUrl };
  const env = { ...urls, DATA_DIR: dataDir, PORT: `${port}`, SIMULATOR_PORT: `${simulatorPort}` };
  const child = spawn(process.execPath, ["dist/main.js", "serve"], {
    env: { PATH: process.env["PATH"] ?? "", LOG_LEVEL: "warn", ...secrets, ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const gone = new Promise((resolve) => child.once("close", resolve));
  const provider = `http://127.0.0.1:${port}`;
  const simulator = `http://127.0.0.1:${simulatorPort}`;
  const close = async () => {
    child.kill("SIGTERM");
    await gone;
    await database.drop();
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    await untilReady(provider);
  } catch (fault) {
    await close();
    throw fault;
  }
  return {
    ...{ provider, simulator, close, operatorToken: secrets.OPERATOR_TOKEN, productSecret: secrets.PRODUCT_SECRET },
    control: async (path, body) => {
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`${simulator}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    },
  };
}

async function untilReady(origin: string): Promise<void> {
  const until = performance.now() + READY_WITHIN_MS;
  while (performance.now() < until) {
    const answer = await fetch(`${origin}/readyz`).catch(() => undefined);
    if (answer?.status === 200) return;
    await sleep(100);
  }
  throw new Error("The service was not ready within a minute.");
}
