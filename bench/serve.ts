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
}

async function serve({ server: name, databaseUrl }: ServerJob): Promise<void> {
  const build: Build = builds[name];
  const server = await build(databaseUrl);
  server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
}

/** Of this process. */
export interface Spent {
  /** User and system time so far. */
  readonly cpuMicros: number;
  /** Resident now. */
  readonly memoryMb: number;
}

function answerSpent(): void {
  const { user, system } = process.cpuUsage();
  const spent: Spent = { cpuMicros: user + system, memoryMb: process.memoryUsage.rss() / 1_000_000 };
  process.send?.(spent);
}

if (process.send !== undefined) {
  process.on("message", (message: ServerJob | "spent") => {
    if (message === "spent") answerSpent();
    else void serve(message);
  });
  process.on("disconnect", () => process.exit());
}
