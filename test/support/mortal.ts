import type { DatabasesOptions } from "../../src/isolation/databases/contract.ts";
import { createDatabases, type Databases } from "../../src/isolation/databases/databases.ts";
import type { Store } from "../../src/isolation/isolation.ts";
import { databaseAim, tellOfDatabase } from "../../src/provider/database-aim.ts";
import type { TestProvider } from "./provider.ts";
import type { TenantsServer } from "./tenants-server.ts";

/** A worker for one tenant's moves, as a process of its own that dies before one of its steps. */
export interface MortalMover {
  /** Runs the tenant's move until it rests, or dies before the step of that number. Answers the steps it took. */
  run(tenant: string, dieBefore?: number): Promise<readonly string[]>;
}

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

/** Steps are whatever others could see: statements on the tenants' server, and transactions of ours. */
export function mortalMover(shop: TestProvider, server: TenantsServer): MortalMover {
  return {
    run: async (tenant, dieBefore = Number.POSITIVE_INFINITY) => {
      const taken: string[] = [];
      let dead = false;
      let died: () => void = () => undefined;
      const death = new Promise<void>((resolve) => {
        died = resolve;
      });
      const close = new Set<() => Promise<void>>();
      const step = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
        if (dead) return never();
        if (taken.length + 1 === dieBefore) {
          dead = true;
          await Promise.all([...close].map((end) => end().catch(() => undefined)));
          died();
          return never();
        }
        taken.push(name);
        return work();
      };
      const databases = createDatabases({
        ...optionsOf(shop, server),
        store: mortalStore(shop.deps.store, tenant, step),
        copying: { before: (statement) => step(statement, async () => undefined) },
        through: (open) => async (database) => {
          if (dead) return never();
          const session = await open(database);
          const end = (): Promise<void> => (close.delete(end) ? session.close() : Promise.resolve());
          close.add(end);
          return { close: end, run: (text, values) => step(text, () => session.run(text, values)) };
        },
      });
      const work = databases.moveDue(10).then((started) => Promise.all(started));
      await Promise.race([work, death]);
      if (!dead) await databases.close();
      else closeLater(databases);
      return taken;
    },
  };
}

function mortalStore(
  store: Store,
  tenant: string,
  step: <T>(name: string, work: () => Promise<T>) => Promise<T>,
): Store {
  return {
    ...store,
    asTenant: (id, work) => step("a transaction of ours", () => store.asTenant(id, work)),
    throughDoor: async <Row extends object>(statement: Parameters<Store["throughDoor"]>[0]) => {
      const rows = await step("a door", () => store.throughDoor<Row>(statement));
      return rows.filter((row) => !("due_moves" in row) || (row.due_moves as { tenant: string }).tenant === tenant);
    },
  };
}

const closeLater = (databases: Databases): void => void databases.close().catch(() => undefined);

function optionsOf({ deps, clock }: TestProvider, server: TenantsServer): DatabasesOptions {
  const { store, catalog, vault } = deps;
  return {
    url: server.url,
    environment: server.environment,
    store,
    clock,
    aim: (tx) => databaseAim(catalog, vault, tx),
    tell: (tx, tenant, happened) =>
      tellOfDatabase(tx, tenant, happened, { now: clock.now(), pushesConfig: () => true }),
  };
}
