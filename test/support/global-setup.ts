import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbedded } from "../../src/db/embedded/embedded.ts";
import { stopLeftover } from "../../src/db/embedded/leftover.ts";
import { takeLock } from "../../src/db/embedded/lock.ts";
import {
  APP,
  ensureDatabase,
  ensureRoles,
  ensureTenantsRole,
  OWNER,
  TENANTS,
  withClient,
} from "../../src/db/embedded/roles.ts";
import { findPlaces, openSite } from "../../src/db/embedded/site.ts";
import { migrate } from "../../src/db/migrate.ts";
import { CLUSTER_VARIABLE, dropDatabase, onDatabase, type TestCluster } from "./cluster.ts";

declare global {
  /** Set by the global setup, called once by the global teardown or when the run is interrupted. */
  var removeTestCluster: (() => Promise<void>) | undefined;
}

const FOLDER = "stallholder-test-";
const HOUR_MS = 3_600_000;

interface Server {
  readonly superuserUrl: string;
  readonly ownerUrl: string;
  readonly appUrl: string;
  readonly tenantsUrl: string;
  remove(template: string): Promise<void>;
}

/**
 * One server for the whole run, with a migrated template that each worker clones: an embedded one in a temporary
 * folder, or the one whose superuser TEST_DATABASE_URL names.
 */
// biome-ignore lint/style/noDefaultExport: Jest takes the default export.
export default async function setUp(): Promise<void> {
  // Which Node this is, is known.
  process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";
  const given = process.env["TEST_DATABASE_URL"];
  const server = given === undefined ? await ownServer() : await givenServer(given);
  const template = `test_${randomBytes(6).toString("hex")}`;
  globalThis.removeTestCluster = once(() => server.remove(template));
  removeWhenInterrupted();
  try {
    process.env[CLUSTER_VARIABLE] = JSON.stringify(await makeTemplate(server, template));
  } catch (fault) {
    await globalThis.removeTestCluster();
    throw fault;
  }
}

async function makeTemplate(server: Server, template: string): Promise<TestCluster> {
  await withClient(server.superuserUrl, (client) => ensureDatabase(client, template));
  const cluster = {
    template,
    superuserUrl: onDatabase(server.superuserUrl, template),
    ownerUrl: onDatabase(server.ownerUrl, template),
    appUrl: onDatabase(server.appUrl, template),
    tenantsUrl: onDatabase(server.tenantsUrl, template),
  };
  await migrate({ url: cluster.ownerUrl });
  return cluster;
}

async function ownServer(): Promise<Server> {
  for (const name of await readdir(tmpdir())) {
    if (name.startsWith(FOLDER)) await removeAbandoned(join(tmpdir(), name)).catch(() => undefined);
  }
  const dataDir = await mkdtemp(join(tmpdir(), FOLDER));
  const removeFolder = (): Promise<void> => rm(dataDir, { recursive: true, force: true });
  try {
    const server = await startEmbedded({ dataDir, durable: false });
    return { ...server, remove: () => server.stop().then(removeFolder) };
  } catch (fault) {
    await removeFolder();
    throw fault;
  }
}

/** Removes what a killed run left, server and folder. Its age and its lock tell it from a run that is under way. */
async function removeAbandoned(dataDir: string): Promise<void> {
  if (Date.now() - (await stat(dataDir)).mtimeMs < HOUR_MS) return;
  const places = await findPlaces(dataDir);
  await takeLock(places.lock);
  await stopLeftover(await openSite(places, {}));
  await rm(dataDir, { recursive: true, force: true });
}

/** Runs that share a server also share its roles, hence fixed passwords. */
async function givenServer(superuserUrl: string): Promise<Server> {
  const passwords = { superuser: "", owner: "test-owner", app: "test-app" };
  await withClient(superuserUrl, async (client) => {
    await ensureRoles(client, passwords);
    await ensureTenantsRole(client, "test-tenants");
  });
  const as = (username: string, password: string): string =>
    Object.assign(new URL(superuserUrl), { username, password }).href;
  const remove = (template: string): Promise<void> =>
    withClient(superuserUrl, async (client) => {
      const names = "select datname from pg_database where starts_with(datname, $1)";
      const { rows } = await client.query<{ datname: string }>(names, [template]);
      for (const { datname } of rows) await dropDatabase(client, datname);
    });
  return {
    superuserUrl,
    ownerUrl: as(OWNER, passwords.owner),
    appUrl: as(APP, passwords.app),
    tenantsUrl: as(TENANTS, "test-tenants"),
    remove,
  };
}

/** Jest runs no teardown when it is told to stop. */
function removeWhenInterrupted(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      void globalThis.removeTestCluster?.().finally(() => process.exit(1));
    });
  }
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}
