import { createHash, randomBytes, randomUUID } from "node:crypto";
import express from "express";
import type { Catalog } from "../../src/catalog/catalog.ts";
import { failedAttempts } from "../../src/http/failed-attempts.ts";
import { securityHeaders } from "../../src/http/security-headers.ts";
import { herokuMarketplace } from "../../src/marketplaces/heroku/heroku.ts";
import type { Marketplace } from "../../src/marketplaces/marketplace.ts";
import { browserSessions } from "../../src/sso/browser-sessions.ts";
import { type FakeHeroku, fakeHeroku } from "./fake-heroku.ts";
import { closeServers, listen } from "./listen.ts";
import { closeProviders, type TestProvider, type TestProviderOptions, testProvider } from "./provider.ts";

export const PASSWORDS = ["p:ass wörd of the manifest", "the-password-after-the-rotation"];
export const SALTS = ["2f97bfa52ca102f8874716e2eb1d3b4920ad0be4", "the-salt-after-the-rotation"];
export const CLIENT_SECRET = "client-secret-of-the-add-on";

export interface HerokuShopOptions extends TestProviderOptions {
  /** `catalog.marketplaces.heroku` of the manifest. */
  readonly section?: object;
  readonly publicUrl?: string;
  /** Instead of the provider's own. */
  readonly configVars?: TestProvider["configVars"];
}

/** A provider that is sold on a fake Heroku, listening. */
export interface HerokuShop {
  readonly provider: TestProvider;
  readonly heroku: FakeHeroku;
  readonly marketplace: Marketplace;
  /** The origin of our side. */
  readonly url: string;
}

const fakes = new Set<FakeHeroku>();

export async function herokuShop(options: HerokuShopOptions = {}): Promise<HerokuShop> {
  const provider = await testProvider(options);
  const heroku = await fakeHeroku();
  fakes.add(heroku);
  const { store, vault, clock, catalog } = provider.deps;
  const publicUrl = options.publicUrl ?? "http://addons.example";
  const marketplace = herokuMarketplace({
    store,
    vault,
    clock,
    catalog: withSection(catalog, options.section),
    attempts: failedAttempts(),
    settings: {
      passwords: PASSWORDS,
      ssoSalts: SALTS,
      clientSecret: CLIENT_SECRET,
      apiUrl: heroku.url,
      idUrl: heroku.url,
    },
    publicUrl,
    configVars: options.configVars ?? provider.configVars,
    deprovision: provider.deprovision,
  });
  provider.deliver = marketplace.deliver;
  const { url } = await listen(appOf(provider, marketplace, publicUrl));
  return { provider, heroku, marketplace, url };
}

const withSection = (catalog: Catalog, section: object | undefined): Catalog => ({
  ...catalog,
  marketplaces: section === undefined ? {} : { heroku: section },
});

function appOf(provider: TestProvider, marketplace: Marketplace, publicUrl: string) {
  const { store, clock } = provider.deps;
  const secure = publicUrl.startsWith("https:");
  const sessions = browserSessions({ store, clock, secrets: [randomBytes(32)], secure });
  const app = express();
  app.set("query parser", "simple");
  app.use(securityHeaders({ https: secure }));
  app.use("/heroku", marketplace.routes({ provider, sessions }));
  app.get("/dashboard", ...sessions.middleware, (req, res) => void res.json(sessions.current(req) ?? null));
  return app;
}

export async function closeShops(): Promise<void> {
  await closeServers();
  await Promise.all([...fakes].map((heroku) => heroku.close()));
  fakes.clear();
  await closeProviders();
}

export const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  readonly json: any;
}

interface Asking {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** One request as Heroku sends it: with the right password and the vendor's `Accept`, unless told otherwise. */
export async function ask(shop: HerokuShop, method: string, path: string, asking: Asking = {}): Promise<Answer> {
  const { body } = asking;
  const response = await fetch(`${shop.url}/heroku${path}`, {
    method,
    redirect: "manual",
    headers: {
      authorization: basic("acme-search", PASSWORDS[0] ?? ""),
      accept: "application/vnd.heroku-addons+json; version=3",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...asking.headers,
    },
    body: body === undefined ? null : typeof body === "string" || body instanceof Buffer ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A provision request of version 3 that nobody has sent yet. */
export function order(wanted: object = {}) {
  const uuid = randomUUID();
  return {
    uuid,
    callback_url: `https://api.heroku.com/addons/${uuid}`,
    name: "acme-search-flat-1",
    oauth_grant: null,
    options: {},
    plan: "basic",
    region: "amazon-web-services::us-east-1",
    ...wanted,
  };
}

/** A grant as it stands in a provision request. */
export const grant = (shop: HerokuShop, code: string, minutes = 5) => ({
  code,
  type: "authorization_code",
  expires_at: new Date(shop.provider.clock.now().getTime() + minutes * 60_000).toISOString(),
});

/** A purchase that has gone through; answers Heroku's id and ours. */
export async function buy(shop: HerokuShop, wanted: object = {}): Promise<{ uuid: string; id: string }> {
  const body = order(wanted);
  const { status, json } = await ask(shop, "POST", "/resources", { body });
  if (status >= 300) throw new Error(`The purchase was answered ${status}.`);
  return { uuid: body.uuid, id: json.id };
}

/** Removes every purchase, ends what runs, and forgets what was said: the next test begins with nothing. */
export async function clear(shop: HerokuShop): Promise<void> {
  const { provider, heroku } = shop;
  const left = await provider.look<{ id: string }>(
    "select id from tenants where state not in ('deprovisioning', 'gone')",
  );
  for (const { id } of left) await ask(shop, "DELETE", `/resources/${id}`);
  provider.product.reset();
  await provider.rest();
  heroku.reset();
}

export const nowIn = (shop: HerokuShop): number => Math.floor(shop.provider.clock.now().getTime() / 1_000);

const hash = (algorithm: string, text: string): string => createHash(algorithm).update(text).digest("hex");

export const idToken = (id: string, timestamp: number | string, salt = SALTS[0]): string =>
  hash("sha1", `${id}:${salt}:${timestamp}`);

export const userToken = (id: string, timestamp: number, user: string, email: string, salt = SALTS[0]): string =>
  hash("sha256", `${id}:${salt}:${timestamp}:${user}:${email}`);

const USER = "89abcdef-0123-4567-89ab-cdef01234567";

/** The form of version 3 as the platform posts it, with all three tokens. */
export function signInForm({ uuid, id }: { uuid: string; id: string }, timestamp: number, salt = SALTS[0]) {
  const email = "username@example.com";
  return {
    resource_id: uuid,
    resource_token: idToken(uuid, timestamp, salt),
    user_scoped_resource_token: userToken(uuid, timestamp, USER, email, salt),
    id,
    token: idToken(id, timestamp, salt),
    timestamp: String(timestamp),
    "nav-data": "eyJhZGRvbiI6IkFjbWUifQ",
    email,
    user_id: USER,
    app: "shop",
    context_app: "shop",
  };
}

/** Posts fields, or text as it stands, to `/heroku/sso`. */
export function postSignIn(
  shop: HerokuShop,
  fields: Readonly<Record<string, string>> | string,
  headers = {},
): Promise<Answer> {
  const body = typeof fields === "string" ? fields : new URLSearchParams(fields).toString();
  return ask(shop, "POST", "/sso", {
    body,
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
  });
}
