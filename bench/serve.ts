import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { bareIntake } from "./servers/bare-intake.ts";
import { bareProvision } from "./servers/bare-provision.ts";
import { bareUsage } from "./servers/bare-usage.ts";
import { bareVerify } from "./servers/bare-verify.ts";
import { intake, intakeOnStockExpress } from "./servers/intake.ts";
import { service } from "./servers/service.ts";
import { stockIntake } from "./servers/stock-intake.ts";
import { stockProvision } from "./servers/stock-provision.ts";
import { stockUsage } from "./servers/stock-usage.ts";
import { reporter, worker } from "./servers/worker.ts";

type Build = (databaseUrl: string) => Server | Promise<Server>;

/** Every server that is measured, by name. */
const builds = {
  "bare intake": bareIntake,
  "stock intake": stockIntake,
  intake,
  "intake on stock Express": intakeOnStockExpress,
  "bare provision": bareProvision,
  "stock provision": stockProvision,
  "bare verify": bareVerify,
  "bare usage": bareUsage,
  "stock usage": stockUsage,
  service,
  worker,
  reporter,
} satisfies Record<string, Build>;

export interface ServerJob {
  readonly server: keyof typeof builds;
  /** Empty for a server without one. */
  readonly databaseUrl: string;
  /** How many processes share the port; one when absent. */
  readonly processes?: number;
}

interface Listening {
  readonly port: number;
}

/** Of these processes. */
export interface Spent {
  /** User and system time so far. */
  readonly cpuMicros: number;
  /** Resident now. */
  readonly memoryMb: number;
}

async function serve({ server: name, databaseUrl }: ServerJob): Promise<void> {
  const build: Build = builds[name];
  const server = await build(databaseUrl);
  server.listen(0, "127.0.0.1", () => {
    process.send?.({ port: (server.address() as AddressInfo).port } satisfies Listening);
  });
}

function answerSpent(): void {
  const { user, system } = process.cpuUsage();
  const spent: Spent = { cpuMicros: user + system, memoryMb: process.memoryUsage.rss() / 1_000_000 };
  process.send?.(spent);
}

/** What the processes say, one answer of each, as one. */
async function together<T>(workers: readonly Worker[], said: object | string): Promise<readonly T[]> {
  return Promise.all(
    workers.map(async (worker) => {
      const answer = once(worker, "message");
      worker.send(said);
      return ((await answer) as [T])[0];
    }),
  );
}

async function serveByMany(job: ServerJob, count: number): Promise<readonly Worker[]> {
  const workers = Array.from({ length: count }, () => cluster.fork());
  await Promise.all(workers.map((worker) => once(worker, "online")));
  const [first] = await together<Listening>(workers, { ...job, processes: 1 });
  process.send?.(first);
  return workers;
}

async function answerSpentByMany(workers: readonly Worker[]): Promise<void> {
  const each = await together<Spent>(workers, "spent");
  const sum = (read: (spent: Spent) => number): number => each.reduce((so, spent) => so + read(spent), 0);
  process.send?.({ cpuMicros: sum((spent) => spent.cpuMicros), memoryMb: sum((spent) => spent.memoryMb) });
}

if (process.send !== undefined) {
  let workers: readonly Worker[] = [];
  process.on("message", async (message: ServerJob | "spent") => {
    if (message === "spent") await (workers.length > 0 ? answerSpentByMany(workers) : answerSpent());
    else if ((message.processes ?? 1) > 1) workers = await serveByMany(message, message.processes ?? 1);
    else await serve(message);
  });
  process.on("disconnect", () => process.exit());
}
