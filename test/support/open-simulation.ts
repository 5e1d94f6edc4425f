import { type Simulator, startSimulator } from "../../src/simulator/simulator.ts";
import { CLIENT_SECRET, sampleManifest } from "./sample-manifest.ts";
import { startTinyProvider, type TinyAnswer, type TinyCall, type TinyProvider, type Twist } from "./tiny-provider.ts";

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  /** As JSON.parse gives it: the tests look into it freely. */
  readonly body: ReturnType<typeof JSON.parse>;
}

export interface Simulation {
  readonly simulator: Simulator;
  readonly provider: TinyProvider;
  readonly lines: readonly string[];
  /** One request to the simulator; a body is sent as JSON. */
  ask(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Reply>;
  /** Buys on the app `demo`. */
  buy(plan: string, more?: object): Promise<Reply>;
  /** Asks until the answer pleases, for at most five seconds. */
  until(path: string, pleases: (reply: Reply) => boolean): Promise<Reply>;
  /** The rules the provider broke, in order. */
  broken(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface SimulationOptions {
  readonly twist?: Twist;
  readonly finishes?: boolean;
  readonly manifest?: typeof sampleManifest;
}

const opened = new Set<Simulation>();

/** The simulator against a tiny provider in the same process, each on a port of its own. */
export async function openSimulation(options: SimulationOptions = {}): Promise<Simulation> {
  const manifest = options.manifest ?? sampleManifest;
  const provider = await startTinyProvider({ ...options, manifest, clientSecret: CLIENT_SECRET });
  const lines: string[] = [];
  const onLine = (line: string): void => void lines.push(line);
  const { origin: providerOrigin } = provider;
  const simulator = await startSimulator({ port: 0, manifest, providerOrigin, clientSecret: CLIENT_SECRET, onLine });

  const ask: Simulation["ask"] = async (method, path, body, headers = {}) => {
    const json = body === undefined ? {} : { "content-type": "application/json" };
    const init = { method, headers: { authorization: "Bearer any-key", ...json, ...headers } };
    const answer = await fetch(`${simulator.origin}${path}`, {
      ...init,
      redirect: "manual",
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const isJson = answer.headers.get("content-type")?.includes("json");
    return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text };
  };
  const simulation: Simulation = {
    simulator,
    provider,
    lines,
    ask,
    buy: (plan, more = {}) => ask("POST", "/apps/demo/addons", { plan: { name: `quiet-search:${plan}` }, ...more }),
    until: async (path, pleases) => {
      for (let tries = 0; tries < 100; tries += 1) {
        const reply = await ask("GET", path);
        if (pleases(reply)) return reply;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error(`${path} never answered as hoped`);
    },
    broken: async () => {
      const { body } = await ask("GET", "/_verdicts");
      return body.map((verdict: { rule: string }) => verdict.rule).reverse();
    },
    close: async () => {
      opened.delete(simulation);
      await simulator.close();
      await provider.close();
    },
  };
  opened.add(simulation);
  return simulation;
}

/** A provider whose answer to one method is replaced. */
export function answering(method: string, answer: (call: TinyCall) => TinyAnswer): SimulationOptions {
  return { twist: (call, honest) => (call.method === method ? answer(call) : honest()) };
}

/** Closes every simulation that is still open. */
export async function closeSimulations(): Promise<void> {
  await Promise.all([...opened].map((simulation) => simulation.close()));
}
