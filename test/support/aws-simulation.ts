import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import express from "express";
import { followClock } from "../../src/clock.ts";
import { awsApi } from "../../src/marketplaces/aws/api/aws-api.ts";
import { openCaller } from "../../src/marketplaces/aws/api/call.ts";
import { snsFetcher } from "../../src/marketplaces/aws/inbox/sns-certificates.ts";
import { awsUsageReporting } from "../../src/marketplaces/aws/report/usage-reporting.ts";
import { type Simulator, startSimulator } from "../../src/simulator/simulator.ts";
import { type AwsShop, awsShop, PRODUCTS } from "./aws.ts";
import { listen } from "./listen.ts";

/** What the simulator says of a purchase. */
export interface Bought {
  readonly agreement: string;
  readonly licence: string | null;
  readonly customer: string | null;
  readonly account: string;
  readonly token: string;
  readonly fulfilment?: { readonly status: number | null; readonly location: string | null };
}

export interface AwsSimulation {
  readonly shop: AwsShop;
  readonly simulator: Simulator;
  control(path: string, body?: object): Promise<Bought>;
  read(path: string): Promise<ReturnType<typeof JSON.parse>>;
  /** Turns the clock, and waits until the provider has seen it. */
  turn(to: string): Promise<void>;
  set(faults: object): Promise<void>;
  /** The worker goes round until the answer pleases, for ten seconds at most. */
  until<T>(look: () => Promise<T>, pleases: (value: T) => boolean): Promise<T>;
  close(): Promise<void>;
}

/** The marketplace over the real SDK, against the simulator, each on a port of its own. */
export async function awsSimulation(): Promise<AwsSimulation> {
  const products = Object.values(PRODUCTS);
  const manifest = JSON.parse(await readFile(new URL("../../addon-manifest.json", import.meta.url), "utf8"));
  manifest.catalog.marketplaces = { aws: { products } };
  const door = express();
  const { url } = await listen(door);
  const simulator = await startSimulator({ port: 0, manifest, providerOrigin: url, clientSecret: "unused-here" });
  const clock = followClock(`${simulator.origin}/_clock`);
  while (!clock.ready()) await sleep(20);
  const { region, endpoint, keys, queueUrl, topicArns, eventsSecret } = simulator.aws;
  const access = { region, endpoint, keys, queueUrl };
  const caller = openCaller(access);
  const stopping = new AbortController();
  const shop = await awsShop({
    clock: { ...clock, advance: () => undefined },
    products,
    api: awsApi(access, caller),
    reporting: new Map([["aws", awsUsageReporting({ caller, codeOf: (_, dimension) => dimension })]]),
    front: { url, mount: (app) => void door.use(app) },
    fetchFromSns: snsFetcher(simulator.origin),
    settings: {
      topicArns,
      eventsSecrets: [eventsSecret],
      pollsQueue: true,
    },
  });
  return {
    shop,
    simulator,
    control: async (path, body = {}) => {
      const answer = await fetch(`${simulator.origin}/_aws${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
      return JSON.parse(text);
    },
    read: async (path) => (await fetch(`${simulator.origin}${path}`)).json(),
    turn: async (to) => {
      await tell(simulator, "/_clock", { now: to });
      while (clock.now() < new Date(to)) await sleep(20);
    },
    set: (faults) => tell(simulator, "/_faults", faults),
    until: async (look, pleases) => {
      for (let tries = 0; tries < 100; tries += 1) {
        await shop.marketplace.upkeep?.(stopping.signal);
        const value = await look();
        if (pleases(value)) return value;
        await sleep(100);
      }
      throw new Error(`It never came as hoped: ${JSON.stringify(await look())} ${shop.lines.slice(-5).join("")}`);
    },
    close: async () => {
      stopping.abort();
      clock.stop();
      await simulator.close();
    },
  };
}

async function tell({ origin }: Simulator, path: string, body: object): Promise<void> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${origin}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
}
