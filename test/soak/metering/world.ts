import { type Simulator, startSimulator } from "../../../src/simulator/simulator.ts";
import { type Front, openFront } from "../front.ts";
import { type Installation, install } from "../installation.ts";
import { type Looker, lookAt, type SoakDatabase } from "../soak-database.ts";
import { type CallLog, createCallLog } from "./aws-wire.ts";
import { withProducts } from "./listing.ts";
import { type Member, startMember } from "./member.ts";
import type { Crash } from "./points.ts";

/** Everything of one soak: the service as several processes, and around it only what the soak itself controls. */
export interface World {
  readonly database: SoakDatabase;
  readonly looker: Looker;
  readonly front: Front;
  readonly simulator: Simulator;
  readonly log: CallLog;
  /** The web process first. */
  readonly members: readonly Member[];
  readonly productSecret: string;
  readonly ear: Ear;
  now(): Promise<Date>;
  /** A request to the simulator's own addresses. Throws unless it is answered well. */
  tell<T>(path: string, body: object): Promise<T>;
  ask<T>(path: string): Promise<T>;
  /** Whoever ends does not start again until the answered function is called. */
  holdStarts(): () => void;
  close(): Promise<void>;
}

/** What the scenario that is played hears. */
export interface Ear {
  say: (line: string) => void;
  crashed: (crash: Crash) => void;
}

const PRODUCT_SECRET = "soak-product-secret-of-no-value";
const CLIENT_SECRET = "soak-client-secret-of-no-value";

export interface WorldOptions {
  readonly workers: number;
}

export async function openWorld(database: SoakDatabase, { workers }: WorldOptions): Promise<World> {
  const looker = lookAt(database);
  const installation = await install(withProducts);
  const log = createCallLog();
  const ear: Ear = { say: () => undefined, crashed: () => undefined };
  const members: Member[] = [];
  let mayStart: Promise<void> = Promise.resolve();

  const front = await openFront({
    port: () => (members[0] ? members[0].process.port() : Promise.reject(new Error("Nobody listens yet."))),
    isPatient: () => false,
    say: () => undefined,
  });
  const { manifest, folder } = installation;
  const simulator = await startSimulator({
    port: 0,
    manifest,
    providerOrigin: front.origin,
    clientSecret: CLIENT_SECRET,
  });
  const asking = askingOf(simulator);
  const environment = environmentOf(simulator, front.origin);
  for (const [place, command] of commands(workers)) {
    const member = await startMember({
      name: place === 0 ? "web" : `worker-${place}`,
      command,
      folder,
      database,
      looker,
      now: asking.now,
      awsOrigin: () => simulator.origin,
      log,
      environment,
      mayStart: () => mayStart,
      crashed: (name, crash) => {
        ear.say(`${name} dies ${crash.side} "${crash.point}"`);
        ear.crashed(crash);
      },
      say: (line) => ear.say(line),
    });
    members.push(member);
  }

  return {
    ...{ database, looker, front, simulator, log, members, ear, productSecret: PRODUCT_SECRET },
    ...asking,
    holdStarts: () => {
      let release = (): void => undefined;
      mayStart = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
    close: () => closeAll({ members, simulator, front, looker, database }, installation),
  };
}

/** The web process migrates, so it is there before the others. */
function commands(workers: number): readonly (readonly [number, "serve" | "work"])[] {
  return [[0, "serve"], ...Array.from({ length: workers }, (_, place) => [place + 1, "work"] as const)];
}

function environmentOf({ origin, aws }: Simulator, publicUrl: string): Readonly<Record<string, string>> {
  return {
    PUBLIC_URL: publicUrl,
    SIMULATOR_PORT: "0",
    CLOCK_URL: `${origin}/_clock`,
    SECRET_KEYS: `soak:${Buffer.alloc(32, "soak").toString("base64")}`,
    OPERATOR_TOKEN: "soak-operator-token-of-no-value",
    HEROKU_API_URL: origin,
    HEROKU_CLIENT_SECRET: CLIENT_SECRET,
    PRODUCT_SECRET,
    AWS_REGION: aws.region,
    AWS_ACCESS_KEY_ID: aws.keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: aws.keys.secretAccessKey,
    AWS_SNS_TOPIC_ARNS: aws.topicArns.join(","),
    AWS_EVENTS_SECRET: aws.eventsSecret,
    AWS_EVENTS_QUEUE_URL: aws.queueUrl,
  };
}

function askingOf({ origin }: Simulator): Pick<World, "now" | "tell" | "ask"> {
  const call = async <T>(path: string, init: RequestInit): Promise<T> => {
    const answer = await fetch(`${origin}${path}`, init);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`The simulator answered ${answer.status} to ${path}: ${text.slice(0, 300)}`);
    return JSON.parse(text) as T;
  };
  /** On a machine that stood still, a connection that was kept may have been closed meanwhile: what changes nothing is asked again. */
  const ask = <T>(path: string): Promise<T> =>
    call<T>(path, {}).catch((fault: unknown) => {
      if (fault instanceof TypeError) return call<T>(path, {});
      throw fault;
    });
  return {
    now: async () => new Date((await ask<{ now: string }>("/_clock")).now),
    ask,
    tell: (path, body) =>
      call(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  };
}

async function closeAll(
  {
    members,
    simulator,
    front,
    looker,
    database,
  }: Pick<World, "members" | "simulator" | "front" | "looker" | "database">,
  installation: Installation,
): Promise<void> {
  await Promise.all(members.map((member) => member.close()));
  await simulator.close();
  await front.close();
  await looker.close();
  await database.close();
  await installation.remove();
}
