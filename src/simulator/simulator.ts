import { createServer } from "node:http";
import { createAws } from "./aws/aws.ts";
import type { AwsAtSimulator } from "./aws/control/provider-settings.ts";
import type { Stack } from "./aws/model/world.ts";
import { createClock } from "./clock.ts";
import { createFaults } from "./faults.ts";
import { createHeroku } from "./heroku/heroku.ts";
import { checkManifest, type SimulatorManifest } from "./heroku/model/manifest.ts";
import { createJournal } from "./journal.ts";
import { listen, simulatorApp, stopListening } from "./server.ts";

export type { AwsAtSimulator } from "./aws/control/provider-settings.ts";
export type { SimulatorManifest } from "./heroku/model/manifest.ts";

export interface SimulatorOptions {
  /** 0 = chosen by the system. */
  readonly port: number;
  /** 127.0.0.1 unless given. */
  readonly host?: string;
  /** The parsed `addon-manifest.json`: Heroku's part, and `catalog.plans` for names and prices. */
  readonly manifest: SimulatorManifest;
  /** Where the provider is; its paths are then `/heroku/resources` and `/heroku/sso`. Without it, the manifest says. */
  readonly providerOrigin?: string;
  /** What the provider has to show at the token endpoint. */
  readonly clientSecret: string;
  readonly aws?: AwsSettings;
  /** Gets a line for each exchange and each thing the provider does wrong. */
  readonly onLine?: (line: string) => void;
}

interface AwsSettings {
  /** What EventBridge shows the provider at `/aws/events`; a word of the simulator's own unless given. */
  readonly eventsSecret?: string | undefined;
  /** What AssumeRole asks for; whatever is said unless given. */
  readonly externalId?: string | undefined;
  /** Deployed in the seller's account from the start: its roles are judged by their policies. */
  readonly stack?: Stack;
}

export interface Simulator {
  readonly origin: string;
  readonly aws: AwsAtSimulator;
  /** Stops answering and drops every call under way. A second close does nothing. */
  close(): Promise<void>;
}

const EVENTS_SECRET = "events-secret-of-the-simulator";

/**
 * Plays Heroku and AWS Marketplace on one port: the Platform API for the CLI, the side that providers call, the manifest
 * API; AWS's services for its SDK, its messages and its buyers; and a page in the browser. Everything is in memory. Throws `config_invalid` when the manifest is not usable or the port is taken.
 */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { manifest, providerOrigin, clientSecret } = options;
  checkManifest(manifest);
  const server = createServer();
  const origin = await listen(server, options.port, options.host ?? "127.0.0.1");
  const clock = createClock();
  const faults = createFaults();
  const journal = createJournal(clock, options.onLine ?? (() => undefined));
  const stopping = new AbortController();

  const heroku = createHeroku({
    origin,
    manifest,
    providerOrigin,
    clientSecret,
    clock,
    faults,
    journal,
    stopping: stopping.signal,
  });
  const aws = createAws({
    origin,
    manifest,
    providerOrigin,
    eventsSecret: options.aws?.eventsSecret ?? EVENTS_SECRET,
    externalId: options.aws?.externalId,
    stack: options.aws?.stack,
    clock,
    faults,
    journal,
    stopping: stopping.signal,
  });
  const resetAll = (): void => {
    clock.forgetAlarms();
    clock.reset();
    faults.clear();
    heroku.reset();
    aws.reset();
    journal.clear();
  };
  server.on("request", simulatorApp({ clock, faults, journal, resetAll, sides: [heroku, aws] }));

  return {
    origin,
    aws: aws.facts,
    close: async () => {
      clock.stop();
      stopping.abort();
      await stopListening(server);
    },
  };
}
