import pg from "pg";
import type { Length } from "../comparison.ts";
import type { MeasuredDatabase } from "../postgres.ts";
import { type Figures, median, type Result, type Verdict, verdict } from "../result.ts";
import type { Databases, Sizes, Trial } from "../trial.ts";
import { type AskedPage, startAsked, type Trip } from "./asked-server.ts";
import { fillConsole } from "./fill-console.ts";
import { pagesOf } from "./pages.ts";

const TITLE = "Every page of the console, at few tenants and at many";
const MOST_TRIPS = 8;
const MOST_OF_BARE = 10;
const MOST_OF_SMALL = 1.5;
/** A page is asked for so often in a round. */
const TIMES = 5;

export async function console(databases: Databases, { small, large, manyEvents }: Sizes): Promise<Trial> {
  const sides: ConsoleSide[] = [];
  for (const tenants of [small, large]) {
    const database = await databases.empty();
    const events = Math.ceil((manyEvents * tenants) / large);
    const startedAt = performance.now();
    await fillConsole(database, tenants, events);
    databases.note(`secondsToFillConsole${tenants}`, Math.round((performance.now() - startedAt) / 1_000));
    sides.push({ name: tenants.toLocaleString("en"), database });
  }
  return { title: TITLE, run: (length) => measureConsole(sides, length) };
}

interface ConsoleSide {
  readonly name: string;
  readonly database: MeasuredDatabase;
}

interface Measured {
  readonly trips: number;
  readonly milliseconds: number;
  /** What the page asks the database, asked again without us on one connection. */
  readonly bare: number;
}

/**
 * Asks for every page, of one database and the other in turn, so that both meet the same machine; what it asked the database
 * is asked again right after.
 */
export async function measureConsole(sides: readonly ConsoleSide[], { rounds }: Length): Promise<Result> {
  const visitors: Visitor[] = [];
  const measured = new Map<string, readonly Measured[][]>();
  try {
    for (const { database } of sides) visitors.push(await openVisitor(database));
    const names = [...(visitors[0]?.pages.keys() ?? [])];
    // Once for the compiler and the caches.
    for (const name of names) for (const visitor of visitors) await visitor.look(name);
    for (const name of names) {
      const found = sides.map((): Measured[] => []);
      for (let time = 0; time < rounds * TIMES; time++) {
        for (const [side, visitor] of visitors.entries()) found[side]?.push(await visitor.look(name));
      }
      measured.set(name, found);
    }
  } finally {
    for (const { close } of visitors.reverse()) await close();
  }
  return resultOf(sides, measured);
}

interface Visitor {
  readonly pages: ReadonlyMap<string, string>;
  look(name: string): Promise<Measured>;
  close(): Promise<void>;
}

async function openVisitor(database: MeasuredDatabase): Promise<Visitor> {
  const pages = await database.session(pagesOf);
  const server = await startAsked(database.appUrl);
  const bare = new pg.Client({ connectionString: database.appUrl });
  await bare.connect();
  return {
    pages,
    look: async (name) => {
      const page = await asked(server.ask(pages.get(name) ?? ""), name);
      return { trips: page.trips.length, milliseconds: page.milliseconds, bare: await replay(bare, page.trips) };
    },
    close: async () => {
      await bare.end();
      await server.close();
    },
  };
}

async function asked(asking: Promise<AskedPage>, name: string): Promise<AskedPage> {
  const page = await asking;
  if (page.status === 200) return page;
  throw new Error(`The page "${name}" was answered ${page.status}.`);
}

async function replay(client: pg.Client, trips: readonly Trip[]): Promise<number> {
  const startedAt = performance.now();
  for (const { text, values } of trips) await client.query(text, [...values]);
  return performance.now() - startedAt;
}

function resultOf(sides: readonly ConsoleSide[], measured: ReadonlyMap<string, readonly Measured[][]>): Result {
  const figures: Figures[] = [];
  const growths = new Map<string, number>();
  for (const [name, [small = [], large = []]] of measured) {
    const growth = typical(large, "milliseconds") / typical(small, "milliseconds");
    growths.set(name, growth);
    for (const [side, some] of [small, large].entries()) {
      const pageMs = typical(some, "milliseconds");
      figures.push({
        side: `${name}, ${sides[side]?.name}`,
        trips: Math.max(...some.map(({ trips }) => trips)),
        pageMs,
        bareMs: typical(some, "bare"),
        overBare: median(some.map(({ milliseconds, bare }) => milliseconds / bare)),
        ...(side === 0 ? {} : { overSmall: growth }),
      });
    }
  }
  return { name: "console", title: TITLE, figures, verdicts: verdictsOf(figures, growths) };
}

const typical = (some: readonly Measured[], what: keyof Measured): number => median(some.map((one) => one[what]));

/** The page that is worst decides. */
function verdictsOf(figures: readonly Figures[], growths: ReadonlyMap<string, number>): Verdict[] {
  const worst = (what: string, values: readonly (readonly [string, number])[], most: number): Verdict => {
    const [page, value] = values.reduce((a, b) => (b[1] > a[1] ? b : a), ["", 0]);
    return verdict({ of: `${what} (${page})`, value, most });
  };
  return [
    worst(
      "round trips",
      figures.map(({ side, trips = 0 }) => [side, trips] as const),
      MOST_TRIPS,
    ),
    worst(
      "page / bare queries",
      figures.map(({ side, overBare = 0 }) => [side, overBare] as const),
      MOST_OF_BARE,
    ),
    worst("many tenants / few", [...growths], MOST_OF_SMALL),
  ];
}
