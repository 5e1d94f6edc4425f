import type { Comparison, Side } from "../comparison.ts";
import type { MeasuredDatabase } from "../postgres.ts";
import type { Databases, Sizes } from "../trial.ts";
import { fillUsage } from "./fill-usage.ts";
import { tenantsOf, withDays, withPlainEvents } from "./tables.ts";

const SENDERS = 64;
/** As many as we store with. */
const WRITERS = 2;

const ours = (name: string, database: MeasuredDatabase, subjects: readonly string[]): Side => ({
  name,
  server: "service",
  database,
  as: "app",
  subjects,
});

export async function ingestSingle(databases: Databases): Promise<Comparison> {
  const subjects = await tenantsOf((await databases.small()).database);
  const [commits, stock] = [
    await withPlainEvents(await databases.copyOfSmall()),
    await withPlainEvents(await databases.copyOfSmall()),
  ];
  return {
    name: "ingest-single",
    title: "Usage, one event a request, durable before the answer",
    question: "event",
    connections: SENDERS,
    sides: [
      ours("ours", await databases.copyOfSmall(), subjects),
      { name: "pg, a commit each", direct: "commits", database: commits, connections: SENDERS, subjects },
      { name: "stock Express + knex", server: "stock usage", database: stock, subjects },
      { name: "ours, storing nothing", server: "intake", subjects },
      // What no server in Node can exceed.
      { name: "node:http, storing nothing", server: "bare usage", subjects },
    ],
    targets: [
      { of: "ours", against: "pg, a commit each", least: 0.9 },
      { of: "ours", against: "stock Express + knex", least: 6 },
      { of: "ours", against: "ours, storing nothing", least: 0.55 },
    ],
  };
}

export async function ingestBatch(databases: Databases): Promise<Comparison> {
  const subjects = await tenantsOf((await databases.small()).database);
  const copied = await withDays(await databases.copyOfSmall());
  const stock = await withPlainEvents(await databases.copyOfSmall());
  return {
    name: "ingest-batch",
    title: "Usage, a hundred events a request, durable before the answer",
    question: "events",
    connections: SENDERS,
    sides: [
      ours("ours", await databases.copyOfSmall(), subjects),
      { name: "bare COPY", direct: "copy", database: copied, connections: WRITERS, subjects },
      { name: "stock Express + knex", server: "stock usage", database: stock, subjects },
    ],
    targets: [
      { of: "ours", against: "bare COPY", least: 0.4 },
      { of: "ours", against: "stock Express + knex", least: 2.5 },
    ],
  };
}

/** The same rate with many events stored as with few. */
export async function ingestSize(databases: Databases, sizes: Sizes): Promise<readonly Comparison[]> {
  const subjects = await tenantsOf((await databases.small()).database);
  const sides: Side[] = [];
  for (const events of [sizes.manyEvents, sizes.fewEvents]) {
    const database = await databases.copyOfSmall();
    databases.note(`secondsToFill${events}Events`, await fillUsage(database, events));
    sides.push(ours(`${events.toLocaleString("en")} events`, database, subjects));
  }
  const [of, against] = sides.map(({ name }) => name);
  const common = { connections: SENDERS, sides, targets: [{ of: of ?? "", against: against ?? "", least: 0.7 }] };
  return [
    { ...common, name: "ingest-size-single", title: "Usage, one event a request", question: "event" },
    { ...common, name: "ingest-size-batch", title: "Usage, a hundred events a request", question: "events" },
  ];
}
