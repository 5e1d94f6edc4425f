import { setTimeout as sleep } from "node:timers/promises";
import { type Simulator, startSimulator } from "../../src/simulator/simulator.ts";
import { type CommitProxy, openCommitProxy } from "./commit-proxy.ts";
import { type Front, openFront } from "./front.ts";
import { type Installation, install } from "./installation.ts";
import { type Crash, commitPoints, type Point, waitingAt } from "./points.ts";
import { type Product, startProduct } from "./product.ts";
import { type ProviderProcess, startProvider } from "./provider-process.ts";
import { type Looker, lookAt, type SoakDatabase } from "./soak-database.ts";

/** Everything of one soak: the provider as a process, and around it only what the soak itself controls. */
export interface World {
  readonly database: SoakDatabase;
  readonly looker: Looker;
  readonly proxy: CommitProxy<Point>;
  readonly provider: ProviderProcess;
  readonly product: Product;
  readonly front: Front;
  readonly simulator: Simulator;
  readonly installation: Installation;
  readonly productSecret: string;
  /** Leases that died with their process: nobody is at work under them. */
  readonly deadLeases: ReadonlySet<string>;
  readonly ear: Ear;
  close(): Promise<void>;
}

/** What the scenario that is played hears, and what it decides. */
export interface Ear {
  say: (line: string) => void;
  /** A crash that was ordered has happened. */
  crashed: (crash: Crash) => void;
  /** Whether a request whose answer was lost is sent again. */
  isPatient: () => boolean;
}

const PRODUCT_SECRET = "soak-product-secret-of-no-value";
const CLIENT_SECRET = "soak-client-secret-of-no-value";
const SERVING_LOGIN = "stallholder_app";

export async function openWorld(database: SoakDatabase): Promise<World> {
  const looker = lookAt(database);
  const installation = await install();
  const product = await startProduct(PRODUCT_SECRET);
  const deadLeases = new Set<string>();
  const ear: Ear = { say: () => undefined, crashed: () => undefined, isPatient: () => false };
  let provider: ProviderProcess | undefined;
  let simulator: Simulator | undefined;
  const say = (line: string): void => ear.say(line);

  const proxy = await openCommitProxy({
    points: commitPoints,
    upstream: () => new URL(database.superuserUrl),
    watched: SERVING_LOGIN,
    crash: (crash) => {
      if (provider?.kill()) ear.crashed(crash);
    },
    hasWork: async (point) => {
      const question = waitingAt(point);
      if (question === undefined || simulator === undefined) return true;
      return (await looker.look(`${question} limit 1`, [await clockOf(simulator)])).length > 0;
    },
  });
  const front = await openFront({
    port: () => (provider ? provider.port() : Promise.reject(new Error("There is no provider yet."))),
    isPatient: () => ear.isPatient(),
    say,
  });
  const { manifest, folder } = installation;
  simulator = await startSimulator({ port: 0, manifest, providerOrigin: front.origin, clientSecret: CLIENT_SECRET });
  provider = await startProvider({
    folder,
    environment: {
      DATABASE_URL: proxy.through(database.appUrl),
      MIGRATION_DATABASE_URL: proxy.through(database.ownerUrl),
      DATA_DIR: `${folder}/data`,
      PUBLIC_URL: front.origin,
      SIMULATOR_PORT: "0",
      SECRET_KEYS: `soak:${Buffer.alloc(32, "soak").toString("base64")}`,
      OPERATOR_TOKEN: "soak-operator-token-of-no-value",
      HEROKU_API_URL: simulator.origin,
      HEROKU_CLIENT_SECRET: CLIENT_SECRET,
      CLOCK_URL: `${simulator.origin}/_clock`,
      PRODUCT_URL: product.url,
      PRODUCT_SECRET,
    },
    betweenLives: async () => {
      await connectionsEnded(looker);
      for (const lease of await leases(looker)) deadLeases.add(lease);
    },
    say,
  });

  const parts = { database, looker, proxy, provider, product, front, simulator, installation, deadLeases, ear };
  return {
    ...parts,
    productSecret: PRODUCT_SECRET,
    close: async () => {
      await parts.provider.close();
      await parts.simulator.close();
      await front.close();
      await product.close();
      await proxy.close();
      await looker.close();
      await database.close();
      await installation.remove();
    },
  };
}

const ENDED_WITHIN = 100;

/** What the killed process had sent is done or undone when the next one starts. */
async function connectionsEnded({ look }: Looker): Promise<void> {
  for (let tried = 0; tried < ENDED_WITHIN; tried += 1) {
    const rows = await look("select from pg_stat_activity where usename = $1 and datname = current_database()", [
      SERVING_LOGIN,
    ]);
    if (rows.length === 0) return;
    await sleep(20);
  }
}

export async function leases({ look }: Looker): Promise<readonly string[]> {
  const rows = await look<{ lease: string }>("select lease from operations where lease is not null");
  return rows.map(({ lease }) => lease);
}

export async function clockOf({ origin }: Simulator): Promise<Date> {
  const answer = await fetch(`${origin}/_clock`);
  return new Date(((await answer.json()) as { now: string }).now);
}
