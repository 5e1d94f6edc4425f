import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./free-port.ts";
import type { Wiring } from "./heroku-commands.ts";

const READY_WITHIN_MS = 60_000;
/** How often the product says "not yet" to a purchase of the slow plan. */
const NOT_YET = 2;

/** `stallholder serve` as a process of its own, with a product that takes its time over the plan `premium`. */
export async function startRealProvider({ platformOrigin, clientSecret }: Wiring) {
  const product = await startProduct();
  const dataDir = await mkdtemp(join(tmpdir(), "stallholder-cli-data-"));
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, ["dist/main.js", "serve"], {
    env: {
      PATH: process.env["PATH"] ?? "",
      DATA_DIR: dataDir,
      PORT: String(port),
      SIMULATOR_PORT: String(await freePort()),
      HEROKU_API_URL: platformOrigin,
      HEROKU_CLIENT_SECRET: clientSecret,
      CLOCK_URL: `${platformOrigin}/_clock`,
      PRODUCT_URL: product.url,
      LOG_LEVEL: "warn",
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  return {
    origin,
    /** Resolves once it serves; the platform's clock must be there by then. */
    ready: () => untilReady(origin),
    close: async () => {
      const gone = new Promise((resolve) => child.once("close", resolve));
      child.kill("SIGTERM");
      await gone;
      await product.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function startProduct() {
  const asked = new Map<string, number>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const call = JSON.parse(Buffer.concat(chunks).toString("utf8")) as {
      type: string;
      operationId: string;
      plan: string;
    };
    const times = (asked.get(call.operationId) ?? 0) + 1;
    asked.set(call.operationId, times);
    const notYet = call.type === "provision" && call.plan === "premium" && times <= NOT_YET;
    response.writeHead(notYet ? 202 : 200, { "content-type": "application/json" }).end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => new Promise((resolve) => server.close(resolve)) };
}

async function untilReady(origin: string): Promise<void> {
  const until = performance.now() + READY_WITHIN_MS;
  while (performance.now() < until) {
    const answer = await fetch(`${origin}/readyz`).catch(() => undefined);
    if (answer?.status === 200) return;
    await sleep(200);
  }
  throw new Error("The provider was not ready within a minute.");
}
