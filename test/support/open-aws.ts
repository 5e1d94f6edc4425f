import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { MarketplaceAgreementClient } from "@aws-sdk/client-marketplace-agreement";
import { MarketplaceEntitlementServiceClient } from "@aws-sdk/client-marketplace-entitlement-service";
import {
  BatchMeterUsageCommand,
  MarketplaceMeteringClient,
  type UsageRecord,
} from "@aws-sdk/client-marketplace-metering";
import { SQSClient } from "@aws-sdk/client-sqs";
import { type Simulator, startSimulator } from "../../src/simulator/simulator.ts";
import { sampleManifest } from "./sample-manifest.ts";

/** What AWS's side sent to the provider. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

type Json = ReturnType<typeof JSON.parse>;

export interface AwsSimulation {
  readonly simulator: Simulator;
  readonly received: Received[];
  /** The status of the provider's next answers, by path; 200 for all others. */
  readonly answers: Map<string, number>;
  readonly metering: MarketplaceMeteringClient;
  readonly entitlements: MarketplaceEntitlementServiceClient;
  readonly agreements: MarketplaceAgreementClient;
  readonly queue: SQSClient;
  /** A client of another region, or with another key. */
  meteringBy(more: object): MarketplaceMeteringClient;
  post(path: string, body?: unknown): Promise<Json>;
  get(path: string): Promise<Json>;
  /** An agreement of the product with this pricing model, unregistered unless the order says so. */
  buy(model: string, more?: object): Promise<Json>;
  meter(records: readonly UsageRecord[], more?: object): ReturnType<typeof meterBy>;
  /** The name of the error that the call ends in. */
  refusal(call: Promise<unknown>): Promise<string>;
  billed(): Promise<readonly Json[]>;
  /** Sets the simulator's clock. */
  at(instant: string): Promise<void>;
  close(): Promise<void>;
}

export const PRODUCTS = [
  { code: "payasyougo1", id: "prod-payg", model: "subscription", plan: "basic" },
  { code: "contract1", id: "prod-contract", model: "contract", plan: "basic" },
  { code: "both1", id: "prod-both", model: "contract-with-consumption", plan: "basic" },
];

const manifest = {
  ...sampleManifest,
  catalog: {
    ...sampleManifest.catalog,
    dimensions: [
      { id: "searches", name: "Searches", codes: { aws: "requests" } },
      { id: "documents", name: "Documents" },
    ],
    marketplaces: { aws: { products: PRODUCTS } },
  },
};

export const EVENTS_SECRET = "events-secret-of-the-tests";

function meterBy(client: MarketplaceMeteringClient, records: readonly UsageRecord[], more: object = {}) {
  return client.send(new BatchMeterUsageCommand({ UsageRecords: [...records], ...more }));
}

export interface AwsSimulationOptions {
  readonly products?: readonly object[];
  /** Headers that the provider makes of what it was sent. */
  readonly leak?: (sent: string) => Readonly<Record<string, string>>;
}

const opened = new Set<AwsSimulation>();

/** The simulator's AWS with the SDK's own clients, each of which tries once, and a provider that notes what it gets. */
export async function openAws({ products = PRODUCTS, leak }: AwsSimulationOptions = {}): Promise<AwsSimulation> {
  const received: Received[] = [];
  const answers = new Map<string, number>();
  const provider = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const path = request.url ?? "";
    const text = Buffer.concat(chunks).toString();
    received.push({ path, headers: request.headers, text });
    response.writeHead(answers.get(path) ?? 200, { location: "/aws/sign-up", ...leak?.(text) }).end();
  });
  provider.listen(0, "127.0.0.1");
  await once(provider, "listening");
  const providerOrigin = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  const catalog = { ...manifest.catalog, marketplaces: { aws: { products } } };
  const simulator = await startSimulator({
    port: 0,
    manifest: { ...manifest, catalog },
    providerOrigin,
    clientSecret: "unused",
    aws: { eventsSecret: EVENTS_SECRET, externalId: "the-external-id" },
  });
  const { origin } = simulator;
  const settings = { endpoint: origin, region: "us-east-1", credentials: simulator.aws.keys, maxAttempts: 1 };
  const metering = new MarketplaceMeteringClient(settings);

  const ask = async (path: string, init: RequestInit): Promise<Json> => {
    const answer = await fetch(`${origin}${path}`, { ...init, redirect: "manual" });
    const text = await answer.text();
    const isJson = answer.headers.get("content-type")?.includes("json") ?? false;
    return isJson ? JSON.parse(text) : text;
  };
  const post = (path: string, body: unknown = {}): Promise<Json> =>
    ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

  const aws: AwsSimulation = {
    simulator,
    received,
    answers,
    metering,
    entitlements: new MarketplaceEntitlementServiceClient(settings),
    agreements: new MarketplaceAgreementClient(settings),
    queue: new SQSClient(settings),
    meteringBy: (more) => new MarketplaceMeteringClient({ ...settings, ...more }),
    post,
    get: (path) => ask(path, {}),
    buy: (model, more = {}) => {
      const product = PRODUCTS.find((one) => one.model === model)?.code ?? model;
      return post("/_aws/purchases", { product, register: false, ...more });
    },
    meter: (records, more) => meterBy(metering, records, more),
    refusal: (call) =>
      call.then(
        () => "none",
        (fault: unknown) => (fault instanceof Error ? fault.name : String(fault)),
      ),
    billed: async () => (await ask("/_aws/ledger", {})).billed,
    at: async (instant) => void (await post("/_clock", { now: instant })),
    close: async () => {
      opened.delete(aws);
      await simulator.close();
      provider.closeAllConnections();
      await new Promise((resolve) => provider.close(resolve));
    },
  };
  opened.add(aws);
  return aws;
}

/** Closes every one that is still open. */
export async function closeAws(): Promise<void> {
  await Promise.all([...opened].map((aws) => aws.close()));
}
