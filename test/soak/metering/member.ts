import type { CommitProxy, Side } from "../commit-proxy.ts";
import { openCommitProxy } from "../commit-proxy.ts";
import { type ProviderProcess, startProvider } from "../provider-process.ts";
import type { Looker, SoakDatabase } from "../soak-database.ts";
import { type AwsWire, type CallLog, openAwsWire } from "./aws-wire.ts";
import { CALL, type Crash, commitPoints, type Point, waitingAt } from "./points.ts";

/** One process of the service, with a way of its own to the database and to AWS. */
export interface Member {
  readonly name: string;
  readonly process: ProviderProcess;
  arm(crash: Crash): void;
  disarm(): void;
  close(): Promise<void>;
}

export interface MemberOptions {
  readonly name: string;
  readonly command: "serve" | "work";
  readonly folder: string;
  readonly database: SoakDatabase;
  readonly looker: Looker;
  readonly now: () => Promise<Date>;
  readonly awsOrigin: () => string;
  readonly log: CallLog;
  readonly environment: Readonly<Record<string, string>>;
  /** Nobody starts before this resolves. */
  readonly mayStart: () => Promise<void>;
  readonly crashed: (member: string, crash: Crash) => void;
  readonly say: (line: string) => void;
}

const SERVING_LOGIN = "stallholder_app";

export async function startMember(options: MemberOptions): Promise<Member> {
  const { name, database } = options;
  let running: ProviderProcess | undefined;
  const die = (crash: Crash): void => {
    if (running?.kill()) options.crashed(name, crash);
  };
  const proxy = await proxyOf(options, die);
  const wire = await openAwsWire({
    upstream: options.awsOrigin,
    log: options.log,
    crash: (side: Side) => die({ point: CALL, side }),
  });
  running = await startProvider({
    folder: options.folder,
    command: options.command,
    environment: {
      ...options.environment,
      LOG_LEVEL: options.command === "work" ? "info" : "error",
      DATA_DIR: `${options.folder}/data-${name}`,
      DATABASE_URL: proxy.through(database.appUrl),
      MIGRATION_DATABASE_URL: proxy.through(database.ownerUrl),
      AWS_ENDPOINT_URL: wire.origin,
    },
    betweenLives: options.mayStart,
    say: (line) => options.say(`${name}: ${line}`),
  });
  const member = running;
  return {
    name,
    process: member,
    arm: (crash) => {
      if (crash.point === CALL) wire.arm(crash.side);
      else proxy.arm(crash);
    },
    disarm: () => {
      wire.arm(undefined);
      proxy.disarm();
    },
    close: () => closeAll(member, wire, proxy),
  };
}

function proxyOf({ database, looker, now }: MemberOptions, crash: (crash: Crash) => void): Promise<CommitProxy<Point>> {
  return openCommitProxy<Point>({
    points: commitPoints,
    upstream: () => new URL(database.superuserUrl),
    watched: SERVING_LOGIN,
    crash,
    hasWork: async (point) => {
      const question = waitingAt(point);
      if (question === undefined) return true;
      return (await looker.look(`${question} limit 1`, [await now()])).length > 0;
    },
  });
}

async function closeAll(member: ProviderProcess, wire: AwsWire, proxy: CommitProxy<Point>): Promise<void> {
  await member.close();
  await wire.close();
  await proxy.close();
}
