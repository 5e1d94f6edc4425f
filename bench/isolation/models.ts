import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { type EmbeddedServer, startEmbedded } from "../../src/db/embedded/embedded.ts";
import { withClient } from "../../src/db/embedded/roles.ts";
import { findPlaces } from "../../src/db/embedded/site.ts";
import { environmentNames, type Model, mintLogin } from "../../src/isolation/databases/names.ts";
import { prepareServer } from "../../src/isolation/databases/prepare.ts";
import { sessionsOn, within } from "../../src/isolation/databases/session.ts";
import { settleTenant } from "../../src/isolation/databases/settle.ts";
import type { Target } from "../../src/isolation/databases/site.ts";
import { mintTenantId } from "../../src/tenants/tenants.ts";
import { type Figures, median, type Result } from "../result.ts";
import type { Sizes, Trial } from "../trial.ts";

const TITLE = "Tenants of each model on a server of their own";
const ENVIRONMENT = "bench";
const AT_ONCE = 4;
const PROBED = 10;
const COUNTING_MS = 600_000;
const limits = { connections: 20, statementSeconds: 30, storageMegabytes: 1_000, graceDays: 7 };
/** What a small product keeps for a tenant: three tables with a key, an index and a sequence each. */
const TABLES = ["users", "orders", "events"]
  .map(
    (name) => `create table ${name} (id bigint generated always as identity primary key, at timestamptz, body jsonb)`,
  )
  .join("; ");

/**
 * Who administers the server. What another role than a superuser may do, PostgreSQL looks up among all the roles it has
 * made, again for each one that is new: with thousands of tenants that is nearly all of the time.
 */
type Administrator = "makes roles" | "superuser";

/** Time to provision and to remove, room on the disk, and time to restart, also after a crash. */
export function models({ fewPlaces, somePlaces, manyPlaces, manySilos }: Sizes): Trial {
  const some = { pool: somePlaces, bridge: somePlaces, silo: manySilos } as const;
  const many = { pool: manyPlaces, bridge: manyPlaces, silo: manySilos } as const;
  return {
    title: TITLE,
    run: async (): Promise<Result> => {
      const figures: Figures[] = [];
      for (const model of ["pool", "bridge", "silo"] as const) {
        for (const count of [fewPlaces, some[model]]) figures.push(await told(measure(model, count, "makes roles")));
        figures.push(await told(measure(model, many[model], "superuser")));
      }
      return { name: "models", title: TITLE, figures, verdicts: [] };
    },
  };
}

/** At once, too: the whole takes an hour, and a server that is too full for one model ends it. */
async function told(measuring: Promise<Figures>): Promise<Figures> {
  const figures = await measuring;
  process.stderr.write(`  ${JSON.stringify(figures)}\n`);
  return figures;
}

async function measure(model: Model, count: number, administrator: Administrator): Promise<Figures> {
  const dataDir = await mkdtemp(join(tmpdir(), "stallholder-bench-models-"));
  let server = await startFor(administrator, dataDir);
  process.stderr.write(`  ${model}, ${count} tenants, the administrator: ${administrator} …\n`);
  try {
    const empty = await bytesOf(server);
    const { provisionMs, tenants } = await provision(server, model, count);
    const megabytes = ((await bytesOf(server)) - empty) / 1_000_000;
    const removeMs = await remove(server, model, tenants.slice(0, PROBED));
    await server.stop();
    let restartSeconds: number;
    [server, restartSeconds] = await timed(() => startFor(administrator, dataDir));
    await crash(server, dataDir);
    let recoverySeconds: number;
    [server, recoverySeconds] = await timed(() => startFor(administrator, dataDir));
    const kilobytes = (megabytes * 1_000) / count;
    return {
      side: `${model}, ${count}, ${administrator}`,
      provisionMs,
      removeMs,
      kilobytes,
      megabytes,
      restartSeconds,
      recoverySeconds,
    };
  } finally {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function startFor(administrator: Administrator, dataDir: string): Promise<EmbeddedServer> {
  const server = await startEmbedded({ dataDir });
  if (administrator === "makes roles") return server;
  const tenantsUrl = Object.assign(new URL(server.superuserUrl), { pathname: new URL(server.tenantsUrl).pathname });
  return { ...server, tenantsUrl: tenantsUrl.href };
}

async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const startedAt = performance.now();
  return [await work(), (performance.now() - startedAt) / 1_000];
}

interface Provisioned {
  /** The median of the last tenants, one at a time. */
  readonly provisionMs: number;
  readonly tenants: readonly string[];
}

async function provision(server: EmbeddedServer, model: Model, count: number): Promise<Provisioned> {
  const tenants = Array.from({ length: count }, () => mintTenantId());
  const alone = Math.min(PROBED, count);
  await settling(server, async (settle) => {
    const left = tenants.slice(0, count - alone);
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let tenant = left.pop(); tenant !== undefined; tenant = left.pop())
          await furnish(server, model, tenant, settle);
      }),
    );
  });
  const times: number[] = [];
  await settling(server, async (settle) => {
    for (const tenant of tenants.slice(count - alone)) times.push(await furnish(server, model, tenant, settle));
  });
  return { provisionMs: median(times), tenants };
}

type Settle = (tenant: string, target: Target) => Promise<void>;

async function settling(server: EmbeddedServer, work: (settle: Settle) => Promise<void>): Promise<void> {
  const environment = environmentNames(ENVIRONMENT);
  const sessions = sessionsOn(server.tenantsUrl);
  try {
    const { open, openAs, shared } = sessions;
    const prepared = await within(open, undefined, (session) => prepareServer(session, environment, shared));
    await work((tenant, target) =>
      triedAgain(() => settleTenant({ server: prepared, environment, shared, open, openAs }, tenant, target)),
    );
  } finally {
    await sessions.close();
  }
}

/** As a worker does with what waited for a lock too long. */
async function triedAgain(settle: () => Promise<void>, tries = 5): Promise<void> {
  try {
    await settle();
  } catch (fault) {
    if (tries === 1) throw fault;
    await triedAgain(settle, tries - 1);
  }
}

/** A login and a place, which is what is timed; then the tables that the product or the customer makes there. */
async function furnish(server: EmbeddedServer, model: Model, tenant: string, settle: Settle): Promise<number> {
  const login = { role: mintLogin(ENVIRONMENT, tenant), password: "bench", readsOnly: false };
  const startedAt = performance.now();
  await settle(tenant, { model, access: "open", limits, logins: [login], full: false, working: [] });
  await settle(tenant, { model, access: "open", limits, logins: [login], working: [], full: false });
  const took = performance.now() - startedAt;
  if (model !== "pool") {
    const url = Object.assign(new URL(server.tenantsUrl), { username: login.role, password: login.password });
    if (model === "silo") url.pathname = `/${ENVIRONMENT}_${tenant}`;
    await withClient(url.href, (client) => client.query(TABLES));
  }
  return took;
}

async function remove(server: EmbeddedServer, model: Model, tenants: readonly string[]): Promise<number> {
  const times: number[] = [];
  await settling(server, async (settle) => {
    for (const tenant of tenants) {
      const startedAt = performance.now();
      await settle(tenant, { model, access: "none", limits, logins: [], full: false, working: [] });
      await settle(tenant, { model, access: "none", limits, logins: [], working: [], full: false });
      times.push(performance.now() - startedAt);
    }
  });
  return median(times);
}

/** Of all databases, with what they share. With hundreds of thousands of files the checkpoint before it takes minutes. */
async function bytesOf({ superuserUrl }: EmbeddedServer): Promise<number> {
  const client = new pg.Client({ connectionString: superuserUrl, query_timeout: COUNTING_MS });
  await client.connect();
  try {
    await client.query("checkpoint");
    const { rows } = await client.query<{ bytes: number }>(
      `select ((select sum(pg_database_size(oid)) from pg_database)
               + (select sum(pg_total_relation_size(oid)) from pg_class where relisshared and relkind = 'r'))::float8 as bytes`,
    );
    return rows[0]?.bytes ?? Number.NaN;
  } finally {
    await client.end();
  }
}

/** As the machine's power would end it: the server's own processes first, then what watches over them. */
async function crash(server: EmbeddedServer, dataDir: string): Promise<void> {
  const { cluster } = await findPlaces(dataDir);
  const pid = Number((await readFile(join(cluster, "postmaster.pid"), "utf8")).split("\n")[0]);
  await withClient(server.superuserUrl, (client) => client.query("create table crashed as select 1 as one"));
  process.kill(pid, "SIGKILL");
  await sleep(1_000);
  await server.stop().catch(() => undefined);
}
