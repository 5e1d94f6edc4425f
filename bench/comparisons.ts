import { type Comparison, compare } from "./comparison.ts";
import { console } from "./console/console.ts";
import { fill } from "./fill.ts";
import { models } from "./isolation/models.ts";
import { isolation } from "./isolation/pooled.ts";
import { disk } from "./metering/disk.ts";
import { ingestBatch, ingestSingle, ingestSize } from "./metering/ingest.ts";
import { killed } from "./metering/killed.ts";
import { reporter } from "./metering/reporter.ts";
import { rollup } from "./metering/rollup.ts";
import { seal } from "./metering/seal.ts";
import { measuredMint } from "./parties.ts";
import { type MeasuredServer, openPostgres } from "./postgres.ts";
import { http, provision, size, verify } from "./provisioning.ts";
import type { Databases, Filled, Sizes, Trial } from "./trial.ts";

type Open = (databases: Databases, sizes: Sizes) => Promise<readonly Trial[]>;

const openings = {
  http: async () => [trialOf(http)],
  provision: async (databases) => [trialOf(await provision(databases))],
  verify: async (databases) => [trialOf(await verify(databases))],
  size: async (databases, sizes) => (await size(databases, sizes)).map(trialOf),
  "ingest-single": async (databases) => [trialOf(await ingestSingle(databases))],
  "ingest-batch": async (databases) => [trialOf(await ingestBatch(databases))],
  rollup: async (databases, sizes) => [await rollup(databases, sizes)],
  seal: async (databases, sizes) => [await seal(databases, sizes)],
  killed: async () => [await killed()],
  reporter: async (databases) => [await reporter(databases)],
  "ingest-size": async (databases, sizes) => (await ingestSize(databases, sizes)).map(trialOf),
  disk: async (databases, sizes) => [await disk(databases, sizes)],
  isolation: async (databases, sizes) => isolation(databases, sizes),
  console: async (databases, sizes) => [await console(databases, sizes)],
  models: async (_databases, sizes) => [models(sizes)],
} satisfies Record<string, Open>;

function trialOf(comparison: Comparison): Trial {
  return { title: comparison.title, run: (length, generator) => compare(comparison, length, generator) };
}

export type ComparisonName = keyof typeof openings;
export const comparisonNames = Object.keys(openings) as ComparisonName[];

export interface Comparisons {
  /** Makes what it needs; it is dropped when the next one opens. */
  open(name: ComparisonName): Promise<readonly Trial[]>;
  /** For the report. */
  facts(): object;
  close(): Promise<void>;
}

export function openComparisons(databaseUrl: string | undefined, sizes: Sizes): Comparisons {
  const facts: Record<string, unknown> = {};
  let server: MeasuredServer | undefined;
  let small: Filled | undefined;

  const postgres = async (): Promise<MeasuredServer> => {
    server ??= await openPostgres(databaseUrl);
    facts["postgresql"] = server.version;
    return server;
  };
  const databases: Databases = {
    empty: async () => (await postgres()).database(),
    filled: async (tenants) => {
      const database = await (await postgres()).database();
      const startedAt = performance.now();
      const keys = await fill(database, tenants, await measuredMint());
      facts[`secondsToFill${tenants}Tenants`] = Math.round((performance.now() - startedAt) / 100) / 10;
      return { database, keys };
    },
    small: async () => {
      small ??= await databases.filled(sizes.small);
      return small;
    },
    copyOfSmall: async () => (await postgres()).database((await databases.small()).database),
    note: (name, value) => {
      facts[name] = value;
    },
  };
  return {
    open: async (name) => {
      await server?.dropAll(small?.database);
      const open: Open = openings[name];
      return open(databases, sizes);
    },
    facts: () => facts,
    close: async () => server?.close(),
  };
}
