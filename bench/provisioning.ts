import type { Comparison } from "./comparison.ts";
import type { Databases, Filled, Sizes } from "./trial.ts";

/** So many that the server is never idle; fewer where each request waits for the disk. */
const CONNECTIONS = 64;
const BUYERS = 32;

export const http: Comparison = {
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

export async function provision({ copyOfSmall }: Databases): Promise<Comparison> {
  return {
    name: "provision",
    title: "Provisioning: a new purchase, answered with its config vars",
    question: "new-purchase",
    connections: BUYERS,
    sides: [
      { name: "ours", server: "service", database: await copyOfSmall(), as: "app" },
      { name: "node:http + two commits", server: "bare provision", database: await copyOfSmall() },
      { name: "stock Express + knex", server: "stock provision", database: await copyOfSmall() },
    ],
    targets: [
      { of: "ours", against: "node:http + two commits", least: 0.4 },
      { of: "ours", against: "stock Express + knex", least: 3 },
    ],
  };
}

export async function verify({ small }: Databases): Promise<Comparison> {
  const { database, keys: subjects } = await small();
  return {
    name: "verify",
    title: "Judging an API key",
    question: "key",
    connections: CONNECTIONS,
    sides: [
      { name: "ours", server: "service", database, as: "app", subjects },
      { name: "node:http + one SELECT", server: "bare verify", database, subjects },
    ],
    targets: [{ of: "ours", against: "node:http + one SELECT", least: 0.5 }],
  };
}

export async function size(databases: Databases, sizes: Sizes): Promise<readonly Comparison[]> {
  const { keys } = await databases.small();
  const small: Filled = { database: await databases.copyOfSmall(), keys };
  const large = await databases.filled(sizes.large);
  const [at, than] = [sizes.large, sizes.small].map((tenants) => `${tenants.toLocaleString("en")} tenants`);
  const common = {
    sides: [
      { name: at ?? "", server: "service", as: "app", database: large.database, subjects: large.keys },
      { name: than ?? "", server: "service", as: "app", database: small.database, subjects: small.keys },
    ],
    targets: [{ of: at ?? "", against: than ?? "", least: 0.8 }],
  } as const;
  return [
    { ...common, name: "size-verify", title: "Judging an API key", question: "key", connections: CONNECTIONS },
    { ...common, name: "size-provision", title: "Provisioning", question: "new-purchase", connections: BUYERS },
  ];
}
