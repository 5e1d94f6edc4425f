import { randomBytes } from "node:crypto";
import express from "express";
import { failedAttempts } from "../../src/http/failed-attempts.ts";
import { securityHeaders } from "../../src/http/security-headers.ts";
import { createLogger } from "../../src/log.ts";
import type { Agreement } from "../../src/marketplaces/aws/api/agreements.ts";
import type { AwsApi } from "../../src/marketplaces/aws/api/aws-api.ts";
import { awsMarketplace } from "../../src/marketplaces/aws/aws.ts";
import { asQueued, keepMessage } from "../../src/marketplaces/aws/inbox/keep.ts";
import type { FetchFromSns } from "../../src/marketplaces/aws/inbox/sns-certificates.ts";
import type { AwsOptions, AwsSettings } from "../../src/marketplaces/aws/options.ts";
import { awsSection } from "../../src/marketplaces/aws/section.ts";
import type { Marketplace } from "../../src/marketplaces/marketplace.ts";
import { browserSessions } from "../../src/sso/browser-sessions.ts";
import { closeServers, listen } from "./listen.ts";
import { closeProviders, type TestProvider, type TestProviderOptions, testProvider } from "./provider.ts";
import { type FakeAws, fakeAws } from "./scripted-aws.ts";

export const SECRETS = ["events-secret-of-the-tests", "events-secret-after-the-rotation"];
export const PRODUCTS = {
  payg: { code: "payg-code", id: "prod-payg", model: "subscription", plan: "basic" },
  contract: { code: "contract-code", id: "prod-contract", model: "contract", plan: "basic" },
  mixed: { code: "mixed-code", id: "prod-mixed", model: "contract-with-consumption", plan: "basic" },
} as const;
export type ProductName = keyof typeof PRODUCTS;

export interface AwsShop {
  readonly provider: TestProvider;
  readonly aws: FakeAws;
  readonly marketplace: Marketplace;
  readonly options: AwsOptions;
  readonly url: string;
  /** Lines of the log, as they were written. */
  readonly lines: string[];
}

export interface AwsShopOptions extends TestProviderOptions {
  readonly settings?: Partial<AwsSettings>;
  readonly fetchFromSns?: FetchFromSns;
  readonly publicUrl?: string;
  readonly api?: AwsApi;
  readonly products?: readonly object[];
  /** Listens already: whoever calls us had to know the address first. */
  readonly front?: { readonly url: string; mount(app: express.Express): void };
}

/** A provider that is sold on AWS, listening; AWS says what the test lets it say. */
export async function awsShop(given: AwsShopOptions = {}): Promise<AwsShop> {
  const provider = await testProvider({ abilities: { pushesConfig: false, wantsCompletion: false }, ...given });
  const aws = fakeAws();
  const lines: string[] = [];
  const { store, vault, clock } = provider.deps;
  const products = given.products ?? Object.values(PRODUCTS);
  const catalog = { ...provider.deps.catalog, marketplaces: { aws: { products, support: "help@acme.example" } } };
  const publicUrl = given.publicUrl ?? "http://addons.example";
  const parts = {
    store,
    vault,
    clock,
    catalog,
    attempts: failedAttempts({ limit: 100_000 }),
    logger: createLogger({ level: "debug", destination: { write: (line: string) => void lines.push(line) } }),
    provider,
    settings: { region: "us-east-1", topicArns: [], eventsSecrets: SECRETS, pollsQueue: false, ...given.settings },
    publicUrl,
    assets: { stylesheet: "/assets/dashboard.css", htmx: "/assets/htmx.js" },
  };
  const api = given.api ?? aws;
  const marketplace = awsMarketplace({
    ...parts,
    access: { region: "us-east-1" },
    api,
    ...(given.fetchFromSns && { fetchFromSns: given.fetchFromSns }),
  });
  const secure = publicUrl.startsWith("https:");
  const sessions = browserSessions({ store, clock, secrets: [randomBytes(32)], secure });
  const app = express();
  app.set("query parser", "simple");
  app.use(securityHeaders({ https: secure }));
  app.use("/aws", marketplace.routes({ provider, sessions }));
  app.get("/dashboard", ...sessions.middleware, (req, res) => void res.json(sessions.current(req) ?? null));
  const { url } = given.front ?? (await listen(app));
  given.front?.mount(app);
  return { provider, aws, marketplace, options: { ...parts, api, section: awsSection(catalog) }, url, lines };
}

export async function closeAwsShops(): Promise<void> {
  await closeServers();
  await closeProviders();
}

let counted = 0;

/** The next number, so that no two purchases share a name. */
export const next = (): number => (counted += 1);

export interface Purchase {
  readonly product: (typeof PRODUCTS)[ProductName];
  readonly arn: string;
  readonly agreement: string;
  readonly account: string;
  /** Of the older generation. */
  readonly customer: string;
}

export function purchaseOf(product: ProductName = "payg", like: Partial<Purchase> = {}): Purchase {
  const number = String(next()).padStart(12, "0");
  return {
    product: PRODUCTS[product],
    arn: `arn:aws:license-manager::294406891311:license:l-${number}`,
    agreement: `agmt-${number}`,
    account: number,
    customer: `customer-${number}`,
    ...like,
  };
}

export interface EventOptions {
  readonly intent?: string;
  readonly status?: string;
  readonly role?: "Manufacturer" | "Proposer";
}

/** An event as EventBridge delivers it. */
export function event(
  type: string,
  of: Purchase,
  at: Date,
  { intent, status, role = "Manufacturer" }: EventOptions = {},
) {
  const licence = type.startsWith("License")
    ? { license: { arn: of.arn }, product: { id: of.product.id, code: of.product.code }, offer: { id: "offer-1" } }
    : {};
  return {
    version: "0",
    id: `event-${next()}`,
    "detail-type": `${type} - ${role}`,
    source: "aws.agreement-marketplace",
    account: "993604559884",
    time: at.toISOString().replace(/\.\d+/, ""),
    region: "us-east-1",
    resources: [`arn:aws:aws-marketplace::aws:agreement:${of.agreement}`],
    detail: {
      requestId: "r",
      catalog: "AWSMarketplace",
      acceptor: { accountId: of.account },
      proposer: { accountId: "993604559884" },
      agreement: { id: of.agreement, ...(intent && { intent }), ...(status && { status }) },
      ...licence,
    },
  };
}

export async function sendEvent(shop: AwsShop, body: unknown, secret = SECRETS[0]): Promise<number> {
  const answer = await fetch(`${shop.url}/aws/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  await answer.arrayBuffer();
  return answer.status;
}

export interface Visit {
  readonly status: number;
  readonly location: string | null;
  readonly text: string;
  readonly cookies: readonly string[];
}

/** A browser's cookies. */
export type Jar = Map<string, string>;
export const jarOf = (): Jar => new Map();

/** A request as a browser makes it; `jar` is kept up to date. */
export async function browse(
  shop: AwsShop,
  path: string,
  jar = jarOf(),
  init: { readonly method?: string; readonly body?: BodyInit; readonly headers?: Record<string, string> } = {},
): Promise<Visit> {
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
  const answer = await fetch(`${shop.url}${path}`, {
    redirect: "manual",
    ...init,
    headers: { ...(cookie && { cookie }), ...init.headers },
  });
  const cookies = answer.headers.getSetCookie();
  for (const line of cookies) {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    jar.set(name, value);
  }
  return { status: answer.status, location: answer.headers.get("location"), text: await answer.text(), cookies };
}

/** Posts the buyer's form as AWS has the browser do. */
export function arrive(shop: AwsShop, token: string, jar?: Jar, fields: object = {}): Promise<Visit> {
  const body = new URLSearchParams({ "x-amzn-marketplace-token": token, ...fields });
  return browse(shop, "/aws/register", jar, { method: "POST", body });
}

/** A token that AWS resolves to the purchase. */
export function tokenFor(shop: AwsShop, of: Purchase, generation: "licence" | "legacy" = "licence"): string {
  const token = `tok+en/${next()}==`;
  shop.aws.tokens.set(token, {
    kind: "resolved",
    productCode: of.product.code,
    accountId: of.account,
    ...(generation === "licence" ? { licenceArn: of.arn } : { customerIdentifier: of.customer }),
  });
  return token;
}

/** The worker's round, and what it makes due, until nothing is. */
export async function settle(shop: AwsShop): Promise<void> {
  for (let round = 0; round < 6; round += 1) await shop.marketplace.upkeep?.();
}

export interface Row {
  readonly state: string;
  readonly tenant_id: string | null;
  readonly tenant_state: string | null;
  readonly review: string | null;
  readonly plan: string | null;
}

export async function rowOf(shop: AwsShop, key: string): Promise<Row | undefined> {
  const [row] = await shop.provider.look<Row>(
    `select l.state, l.tenant_id, t.state as tenant_state, l.review, t.plan
     from aws_licences l left join tenants t on t.id = l.tenant_id where l.key = $1`,
    [key],
  );
  return row;
}

/** What the Agreement API says of a purchase. */
export function agreementOf(
  of: Purchase,
  {
    initial,
    start,
    status = "ACTIVE",
  }: { readonly initial?: string; readonly start?: Date; readonly status?: string } = {},
): Agreement {
  return {
    id: of.agreement,
    initialAgreementId: initial ?? of.agreement,
    status,
    licenceArns: [of.arn],
    productIds: [of.product.id],
    accountId: of.account,
    ...(start && { start }),
  };
}

/** A message of the older generation's topics. */
export const notice = (action: string, of: Purchase) => ({
  action,
  "customer-identifier": ` ${of.customer}`,
  "product-code": of.product.code,
  "offer-identifier": "offer-1",
});

/** As it comes out of the queue without an envelope, one second after what was told before. */
export async function tellNotice(shop: AwsShop, message: object): Promise<void> {
  shop.provider.clock.advance(1_000);
  const at = shop.provider.clock.now();
  await keepMessage(shop.options, asQueued(`queued-${next()}`, Buffer.from(JSON.stringify(message)), at));
  await settle(shop);
}

/** As EventBridge brings it, one second after what was told before. */
export async function tellEvent(shop: AwsShop, of: Purchase, type: string, more: EventOptions = {}): Promise<void> {
  shop.provider.clock.advance(1_000);
  expect(await sendEvent(shop, event(type, of, shop.provider.clock.now(), more))).toBe(200);
  await settle(shop);
}

interface PayerRow {
  readonly billing_reference: string;
  readonly bills: string;
  readonly from_hour: Date;
  readonly ended_at: Date | null;
  readonly flush_by: Date | null;
}

export const payersIn = (shop: AwsShop, tenant: string | null | undefined): Promise<PayerRow[]> =>
  shop.provider.look<PayerRow>(
    "select * from usage_payers where tenant_id = $1 order by from_hour, billing_reference",
    [tenant],
  );
