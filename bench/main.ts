import { writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { startGenerator } from "./children.ts";
import type { Length } from "./comparison.ts";
import { type ComparisonName, comparisonNames, openComparisons } from "./comparisons.ts";
import type { Result } from "./result.ts";
import { tableOf } from "./table.ts";
import type { Sizes } from "./trial.ts";

const HELP = `node bench/run.js [--short] [--only NAME] [--rounds N] [--seconds N] [--tenants N] [--events N]
                         [--json FILE]

  --short      a moment of each comparison, to see that it runs; its figures mean nothing
  --only       ${comparisonNames.join(", ").replace("rollup, ", "rollup,\n               ")}
  --rounds     how often each side is measured (7)
  --seconds    how long each time (2)
  --tenants    how many the large database of "size" and of "console" holds (1000000)
  --events     how many are stored in the large database of "ingest-size" and of "console" (10000000)
  --places     how many tenants of the pool and of the bridge "models" has at most (10000)
  --json       writes the figures to this file too

DATABASE_URL, if set, names a superuser of the PostgreSQL to measure on; otherwise one is started for the run.
`;

interface Plan {
  readonly wanted: readonly ComparisonName[];
  readonly json: string | undefined;
  readonly length: Length;
  readonly sizes: Sizes;
}

/** Prints the table, writes the file. */
export async function main(args: string[]): Promise<void> {
  const plan = planOf(args);
  if (plan === undefined) return void process.stdout.write(HELP);
  const { length, sizes } = plan;
  const report = { startedAt: new Date(), length, sizes, machine: machine(), ...(await measureAll(plan)) };
  process.stdout.write(`${tableOf(report.results)}\n${JSON.stringify({ ...report, results: undefined })}\n`);
  if (plan.json !== undefined) await writeFile(plan.json, `${JSON.stringify(report, rounded, 2)}\n`);
}

async function measureAll({ wanted, length, sizes }: Plan): Promise<{ results: readonly Result[]; facts: object }> {
  const generator = startGenerator();
  const comparisons = openComparisons(process.env["DATABASE_URL"], sizes);
  const results: Result[] = [];
  try {
    for (const name of wanted) {
      for (const { title, run } of await comparisons.open(name)) {
        process.stderr.write(`${title} …\n`);
        results.push(await run(length, generator));
      }
    }
    return { results, facts: comparisons.facts() };
  } finally {
    await generator.stop();
    await comparisons.close();
  }
}

function machine(): object {
  return { node: process.version, cores: cpus().length, processor: cpus()[0]?.model, loadAverages: loadavg() };
}

const rounded = (_name: string, value: unknown): unknown =>
  typeof value === "number" ? Math.round(value * 1_000) / 1_000 : value;

function planOf(args: string[]): Plan | undefined {
  const { values } = parseArgs({
    args,
    options: {
      help: { type: "boolean" },
      short: { type: "boolean" },
      only: { type: "string" },
      json: { type: "string" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      tenants: { type: "string" },
      events: { type: "string" },
      places: { type: "string" },
    },
  });
  const wanted = comparisonNames.filter((name) => values.only === undefined || values.only === name);
  if (values.help || wanted.length === 0) return undefined;
  const { length, sizes } = values.short ? short : long;
  return {
    wanted,
    json: values.json,
    length: {
      ...length,
      rounds: Number(values.rounds ?? length.rounds),
      seconds: Number(values.seconds ?? length.seconds),
    },
    sizes: {
      ...sizes,
      large: Number(values.tenants ?? sizes.large),
      manyEvents: Number(values.events ?? sizes.manyEvents),
      manyPlaces: Number(values.places ?? sizes.manyPlaces),
    },
  };
}

const short = {
  length: { rounds: 1, seconds: 0.2, warmUpRequests: 1, warmUpSeconds: 0.2 },
  sizes: {
    small: 1_000,
    large: 10_000,
    fewEvents: 10_000,
    manyEvents: 100_000,
    hourEvents: 30_000,
    sealedTenants: 1_000,
    diskEvents: 10_000,
    pooledTenants: 2_000,
    fewPlaces: 2,
    somePlaces: 4,
    manyPlaces: 10,
    manySilos: 4,
  },
};
const long = {
  length: { rounds: 7, seconds: 2, warmUpRequests: 30_000, warmUpSeconds: 20 },
  sizes: {
    small: 10_000,
    large: 1_000_000,
    fewEvents: 1_000_000,
    manyEvents: 10_000_000,
    hourEvents: 1_000_000,
    sealedTenants: 100_000,
    diskEvents: 1_000_000,
    pooledTenants: 100_000,
    fewPlaces: 10,
    somePlaces: 1_000,
    manyPlaces: 10_000,
    manySilos: 500,
  },
};
