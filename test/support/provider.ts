import { randomBytes, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import pg from "pg";
import { monthlyLimits, parseManifest } from "../../src/catalog/catalog.ts";
import { customerScopes } from "../../src/credentials/credentials.ts";
import { lastUse } from "../../src/credentials/last-use.ts";
import { tokenKeys } from "../../src/credentials/token-keys.ts";
import { connect } from "../../src/db/db.ts";
import {
  type ClaimedCall,
  claimOwedCalls,
  type Delivery,
  type OwedCall,
  settleOwedCall,
} from "../../src/deliveries/deliveries.ts";
import type { AwsAccess } from "../../src/isolation/aws/aws.ts";
import type { DatabasesOptions } from "../../src/isolation/databases/contract.ts";
import { createDatabases, type Databases } from "../../src/isolation/databases/databases.ts";
import { isolate, servingRole } from "../../src/isolation/isolation.ts";
import type { ReportingByMarketplace } from "../../src/metering/billing.ts";
import { createMetering, type ReportingTold } from "../../src/metering/metering.ts";
import type { Provider, ProviderJobs, ProvisionRequest } from "../../src/provider/contract.ts";
import { databaseAim, tellOfDatabase } from "../../src/provider/database-aim.ts";
import { declaredCredentials } from "../../src/provider/declarations.ts";
import type { Abilities, Budgets, Deps } from "../../src/provider/deps.ts";
import { createProvider } from "../../src/provider/provider.ts";
import { derive, deriveEach, type KeyRing, parseKeyRing } from "../../src/secrets/key-ring.ts";
import { vaultOf } from "../../src/secrets/secrets.ts";
import { customerWebhooks } from "../../src/subscriptions/customer-webhooks.ts";
import { MINUTE, type TestClock, testClock } from "./clock.ts";
import { ownDatabase, type TestDatabase } from "./cluster.ts";
import { type ScriptedProduct, scriptedProduct } from "./scripted-product.ts";

export const MARKETPLACE = "bazaar";
export const ISSUER = "https://addons.example";

export interface TestProviderOptions {
  /** Another process of the same service: the same database, clock and keys, a product of its own. */
  readonly beside?: TestProvider;
  /** A database of its own unless told otherwise: a worker sees every tenant. */
  readonly database?: TestDatabase;
  /** Another way to the database, such as a proxy. */
  readonly url?: string;
  readonly connections?: number;
  /** Another key ring than that of `beside`. */
  readonly ringText?: string;
  readonly clock?: TestClock;
  readonly product?: ScriptedProduct;
  readonly abilities?: Partial<Abilities>;
  readonly budgets?: Partial<Budgets>;
  /** The marketplaces that bill usage. */
  readonly reporting?: ReportingByMarketplace;
  readonly told?: Partial<ReportingTold>;
  /** Where purchases get credentials of AWS. */
  readonly aws?: AwsAccess;
  /** The AWS account that bought, as the marketplace knows it. */
  readonly accountOf?: Deps["accountOf"];
  /** Where purchases get a login to a database: `basic` in the pool, `standard` a bridge, `premium` a silo. */
  readonly tenants?: Pick<DatabasesOptions, "url" | "environment" | "address" | "through" | "copying">;
}

export interface TestProvider extends Provider, ProviderJobs {
  readonly deps: Deps;
  readonly ring: KeyRing;
  /** The same as a setting. */
  readonly ringText: string;
  readonly clock: TestClock;
  readonly product: ScriptedProduct;
  readonly database: TestDatabase;
  /** Who answers owed calls; by default each is delivered. */
  deliver: (call: OwedCall) => Delivery | Promise<Delivery>;
  /** Every owed call that was delivered or tried, in order. */
  readonly told: OwedCall[];
  /** One round of a worker: sweep, operations, owed calls until none is due. Answers whether there was work. */
  work(): Promise<boolean>;
  /** Works and turns the clock until nothing runs and nothing is owed. */
  rest(): Promise<void>;
  /** The types of a tenant's lifecycle events, in order. */
  events(tenant: { readonly id: string }): Promise<string[]>;
  /** Rows as a superuser sees them, past every wall. */
  look<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

/** A machine that is busy with other tests takes its time over a connection; that is no fault of what is tested. */
const CONNECT_MS = 15_000;

const open = new Set<() => Promise<unknown>>();

/** The provider as main builds it, on a real database, with a clock and a product that the test holds. */
export async function testProvider(options: TestProviderOptions = {}): Promise<TestProvider> {
  const given = options.database ?? options.beside?.database;
  const database = given ?? (await ownDatabase());
  const url = options.url ?? database.appUrl;
  const pool = connect({ url, connections: options.connections ?? 10, connectMs: CONNECT_MS });
  const superuser = new pg.Pool({ connectionString: database.superuserUrl, max: 2 });
  // `end` does not wait until its connections are gone: dropping the database may end them first.
  superuser.on("error", () => undefined);
  open.add(async () => {
    // A test may have ended it, as a process that dies does.
    await metering.close().catch(() => undefined);
    await Promise.all([pool.close(), superuser.end()]);
    if (given === undefined) await database.drop();
  });

  const clock = options.clock ?? options.beside?.clock ?? testClock();
  const product = options.product ?? scriptedProduct();
  const store = isolate(pool, await servingRole(pool));
  const ringText = options.ringText ?? options.beside?.ringText ?? `test:${randomBytes(32).toString("base64url")}`;
  const ring = parseKeyRing(ringText);
  const catalog = options.tenants === undefined ? await testCatalog(options.aws) : await databaseCatalog();
  const metering = createMetering({
    url,
    connectMs: CONNECT_MS,
    clock,
    dimensions: catalog.dimensions.map(({ id }) => id),
    limits: monthlyLimits(catalog),
    reporting: () => options.reporting ?? options.beside?.deps.reporting() ?? new Map(),
    ...(options.told === undefined ? {} : { told: options.told }),
  });
  const deps = makeDeps(
    { ...options, ring, reporting: options.reporting ?? options.beside?.deps.reporting() ?? new Map() },
    { store, clock, product, catalog, metering },
  );
  open.add(async () => deps.databases?.close());
  const provider = createProvider(deps);
  const told: OwedCall[] = [];

  const test: TestProvider = {
    ...provider,
    deps,
    ring,
    ringText,
    clock,
    product,
    database,
    told,
    deliver: () => ({ outcome: "delivered" }),
    work: () => workOnce(test),
    rest: () => workUntilRest(test),
    events: async ({ id }) => {
      const sql = "select type from lifecycle_events where tenant_id = $1 order by sequence";
      return (await test.look<{ type: string }>(sql, [id])).map(({ type }) => type);
    },
    look: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
      (await superuser.query<Row>(text, [...values])).rows,
  };
  return test;
}

/** Closes what every `testProvider` of this file opened. */
export async function closeProviders(): Promise<void> {
  await Promise.all([...open].map((close) => close()));
  open.clear();
}

function makeDeps(
  { abilities, accountOf, aws, budgets, reporting, ring, tenants }: TestProviderOptions & { readonly ring: KeyRing },
  parts: Pick<Deps, "store" | "clock" | "product" | "catalog" | "metering">,
): Deps {
  const vault = vaultOf(ring);
  const { store, clock, catalog } = parts;
  const usual = { pushesConfig: true, wantsCompletion: true, provisionDeadlineSeconds: 43_200 };
  const abilitiesOf = () => ({ ...usual, ...abilities });
  const pushesConfig = () => abilitiesOf().pushesConfig;
  const uses = lastUse(store, clock);
  const databases =
    tenants &&
    createDatabases({
      ...tenants,
      store,
      clock,
      sees: uses.noteLogin,
      aim: (tx) => databaseAim(catalog, vault, tx),
      tell: (tx, tenant, happened) => tellOfDatabase(tx, tenant, happened, { now: clock.now(), pushesConfig }),
    });
  const declarations = declaredCredentials(parts.catalog, ISSUER);
  const scopes = customerScopes(declarations);
  return {
    ...parts,
    declarations,
    vault,
    mint: { prefix: "acmesearch", pepper: derive(ring.primary, "pepper"), vault, scopes, ...mintingLogins(databases) },
    ...(aws && { aws }),
    ...(accountOf && { accountOf }),
    ...(databases === undefined ? {} : { databases }),
    peppers: deriveEach(ring, "pepper"),
    lastUse: uses,
    auditKey: { id: ring.primary.id, key: derive(ring.primary, "audit") },
    tokens: tokenKeys({ store: parts.store, vault, clock: parts.clock, issuer: ISSUER }),
    webhooks: customerWebhooks({
      reach: { privately: true },
      speaker: { publicUrl: ISSUER, serviceId: catalog.id },
    }),
    reporting: () => reporting ?? new Map(),
    abilitiesOf,
    budgets: { product: 2_000, databases: 20_000, parting: 1_000, turn: 2_000, ...budgets },
  };
}

const mintingLogins = (databases: Databases | undefined) => (databases ? { login: databases.mintLogin } : {});

async function databaseCatalog() {
  const path = new URL("../../examples/databases/addon-manifest.json", import.meta.url);
  return parseManifest(await readFile(path, "utf8")).catalog;
}

/** The sample manifest with one config var more, which the product may fill; and with AWS where there is some. */
export async function testCatalog(aws?: AwsAccess) {
  const file = JSON.parse(await readFile(new URL("../../addon-manifest.json", import.meta.url), "utf8"));
  file.api.config_vars.push("ACME_SEARCH_INDEX");
  if (aws !== undefined) {
    file.api.config_vars.push("ACME_SEARCH_AWS_CREDENTIALS_URL");
    const connection = { actions: ["s3:GetObject"], resources: ["arn:aws:s3:::exports/*"] };
    file.catalog.credentials.push({ kind: "aws", var: "AWS_CREDENTIALS_URL", connection });
  }
  return parseManifest(JSON.stringify(file)).catalog;
}

/** A purchase that nobody has made yet. */
export function purchase(wanted: Partial<ProvisionRequest> = {}): ProvisionRequest {
  return {
    marketplace: MARKETPLACE,
    resourceId: randomUUID(),
    plan: "basic",
    region: "us",
    name: "acme-search-round-12345",
    options: {},
    by: `marketplace:${MARKETPLACE}`,
    at: new Date("2026-03-01T11:59:59.000Z"),
    ...wanted,
  };
}

/** What every other command about this tenant carries. */
export function about(tenant: { readonly id: string }) {
  return { ref: { tenant: tenant.id }, by: "customer:1", at: new Date("2026-03-01T12:30:00.000Z") } as const;
}

/** Runs what is due to its end; answers how many that were. */
export async function runDueOperations(jobs: ProviderJobs): Promise<number> {
  return (await Promise.all(await jobs.startDueOperations(10))).length;
}

async function workOnce(test: TestProvider): Promise<boolean> {
  await test.sweep();
  let worked = (await runDueOperations(test)) > 0;
  worked = (await Promise.all(await test.startDueDatabases(10))).length > 0 || worked;
  worked = (await Promise.all(await test.startDueMoves(10))).length > 0 || worked;
  for (let round = 0; round < 50; round += 1) {
    const claimed = await claimOwedCalls(test.deps.store, test.clock.now(), 10);
    if (claimed.length === 0) break;
    worked = true;
    await Promise.all(claimed.map((call) => deliverOne(test, call)));
  }
  return worked;
}

async function deliverOne(test: TestProvider, claimed: ClaimedCall): Promise<void> {
  const { call } = claimed;
  test.told.push(call);
  const startedAt = test.clock.now();
  const result = await resultOf(test, call);
  await settleOwedCall(test.deps.store, claimed, startedAt, result, test.clock.now());
}

function resultOf(test: TestProvider, call: OwedCall): Delivery | Promise<Delivery> {
  if (call.marketplace === "product") return test.tellProduct(call);
  return call.marketplace === "customer" ? test.tellCustomer(call) : test.deliver(call);
}

async function workUntilRest(test: TestProvider): Promise<void> {
  for (let round = 0; round < 200; round += 1) {
    if (await test.work()) continue;
    const [left] = await test.look<{ rows: number }>(
      `select (select count(*) from operations where state = 'running')
            + (select count(*) from owed_calls where state = 'owed')
            + (select count(*) from tenant_databases where settled < asked)
            + (select count(*) from database_moves where ended_at is null and state not in ('kept', 'removing')) as rows`,
    );
    if (Number(left?.rows) === 0) return;
    test.clock.advance(MINUTE);
  }
  throw new Error("The worker found no rest within 200 rounds.");
}
