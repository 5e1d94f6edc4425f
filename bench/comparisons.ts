import type { Comparison } from "./comparison.ts";
import { fill } from "./fill.ts";
import { measuredMint } from "./parties.ts";
import { type MeasuredDatabase, type MeasuredServer, openPostgres } from "./postgres.ts";

export const comparisonNames = ["http", "provision", "verify", "size"] as const;
export type ComparisonName = (typeof comparisonNames)[number];

/** How many tenants are there before anything is measured. */
export interface Sizes {
  readonly small: number;
  readonly large: number;
}

export interface Comparisons {
  /** Makes what it needs; the databases of an earlier one are dropped. */
  open(name: ComparisonName): Promise<readonly Comparison[]>;
  /** For the report. */
  facts(): object;
  close(): Promise<void>;
}

interface Filled {
  readonly database: MeasuredDatabase;
  readonly keys: readonly string[];
}

/** So many that the server is never idle; fewer where each request waits for the disk. */
const CONNECTIONS = 64;
const BUYERS = 32;

export function openComparisons(databaseUrl: string | undefined, sizes: Sizes): Comparisons {
  const facts: Record<string, unknown> = {};
  let server: MeasuredServer | undefined;
  let small: Filled | undefined;

  const postgres = async (): Promise<MeasuredServer> => {
    server ??= await openPostgres(databaseUrl);
    facts["postgresql"] = server.version;
    return server;
  };
  const filled = async (tenants: number): Promise<Filled> => {
    const database = await (await postgres()).database();
    const startedAt = performance.now();
    const keys = await fill(database, tenants, await measuredMint());
    facts[`secondsToFill${tenants}`] = Math.round((performance.now() - startedAt) / 100) / 10;
    return { database, keys };
  };
  const smallOne = async (): Promise<Filled> => {
    small ??= await filled(sizes.small);
    return small;
  };
  const copy = async (): Promise<MeasuredDatabase> => (await postgres()).database((await smallOne()).database);

  const opened: Readonly<Record<ComparisonName, () => Promise<readonly Comparison[]>>> = {
    http: async () => [http],
    provision: async () => [provision(await copy(), await copy(), await copy())],
    verify: async () => [verify(await smallOne())],
    size: async () => {
      const { keys } = await smallOne();
      return size({ database: await copy(), keys }, await filled(sizes.large), sizes);
    },
  };
  return {
    open: (name) => opened[name](),
    facts: () => facts,
    close: async () => server?.close(),
  };
}

const http: Comparison = {
  name: "http",
  title: "An authenticated POST through the whole HTTP side (headers, log line, validation)",
  question: "same-purchase",
  connections: CONNECTIONS,
  sides: [
    { name: "ours", server: "intake" },
    { name: "node:http", server: "bare intake" },
    { name: "ours on stock Express", server: "intake on stock Express" },
    { name: "the usual stack", server: "stock intake" },
  ],
  targets: [
    { of: "ours", against: "node:http", least: 0.3 },
    { of: "ours", against: "ours on stock Express", least: 2 },
  ],
};

const provision = (ours: MeasuredDatabase, bare: MeasuredDatabase, stock: MeasuredDatabase): Comparison => ({
  name: "provision",
  title: "Provisioning: a new purchase, answered with its config vars",
  question: "new-purchase",
  connections: BUYERS,
  sides: [
    { name: "ours", server: "service", database: ours, as: "app" },
    { name: "node:http + two commits", server: "bare provision", database: bare },
    { name: "stock Express + knex", server: "stock provision", database: stock },
  ],
  targets: [
    { of: "ours", against: "node:http + two commits", least: 0.4 },
    { of: "ours", against: "stock Express + knex", least: 3 },
  ],
});

const verify = ({ database, keys }: Filled): Comparison => ({
  name: "verify",
  title: "Judging an API key",
  question: "key",
  connections: CONNECTIONS,
  sides: [
    { name: "ours", server: "service", database, as: "app", keys },
    { name: "node:http + one SELECT", server: "bare verify", database, keys },
  ],
  targets: [{ of: "ours", against: "node:http + one SELECT", least: 0.5 }],
});

function size(small: Filled, large: Filled, sizes: Sizes): readonly Comparison[] {
  const [at, than] = [sizes.large, sizes.small].map((tenants) => `${tenants.toLocaleString("en")} tenants`);
  const common = {
    sides: [
      { name: at ?? "", server: "service", as: "app", ...large },
      { name: than ?? "", server: "service", as: "app", ...small },
    ],
    targets: [{ of: at ?? "", against: than ?? "", least: 0.8 }],
  } as const;
  return [
    { ...common, name: "size-verify", title: "Judging an API key", question: "key", connections: CONNECTIONS },
    { ...common, name: "size-provision", title: "Provisioning", question: "new-purchase", connections: BUYERS },
  ];
}
