import { randomBytes, randomUUID } from "node:crypto";
import express, { type Express, type RequestHandler } from "express";
import { Passport } from "passport";
import CustomStrategy from "passport-custom";
import { dashboardRoutes } from "../../src/dashboard/dashboard.ts";
import type { DashboardOptions } from "../../src/dashboard/options.ts";
import { notFound, problemAnswer } from "../../src/http/problem.ts";
import { securityHeaders } from "../../src/http/security-headers.ts";
import type { MarketplaceTexts } from "../../src/marketplaces/marketplace.ts";
import type { ProvisionRequest } from "../../src/provider/contract.ts";
import { browserSessions } from "../../src/sso/browser-sessions.ts";
import type { SignedIn } from "../../src/sso/sso.ts";
import type { Person, Tenant } from "../../src/tenants/tenants.ts";
import { replacePeople } from "../../src/tenants/tenants.ts";
import { purchase, type TestProvider } from "./provider.ts";

export const OWNER: SignedIn["person"] = { id: "1", email: "owner@round.example" };

export interface DashboardOfShop {
  readonly app: Express;
  /** The address that signs a browser in, the way a marketplace's sign-in does. */
  signInPath(tenant: Pick<Tenant, "id">, person?: SignedIn["person"]): string;
  /** A tenant that was bought just now. */
  buy(wanted?: Partial<ProvisionRequest>): Promise<Tenant>;
  name(tenant: Tenant, people: readonly Person[]): Promise<void>;
}

/** The dashboard over a test's provider, with a marketplace called Bazaar and a sign-in that asks for nothing. */
export function dashboardOf(
  shop: TestProvider,
  {
    publicUrl = "http://127.0.0.1",
    environment = "production",
    connectTemplateUrl,
    texts = {},
  }: Partial<Pick<DashboardOptions, "publicUrl" | "environment" | "connectTemplateUrl">> & {
    readonly texts?: Partial<MarketplaceTexts>;
  } = {},
): DashboardOfShop {
  const { store, clock, catalog, declarations } = shop.deps;
  const secure = publicUrl.startsWith("https:");
  const sessions = browserSessions({ store, clock, secrets: [randomBytes(32)], secure });
  const marketplaceOf = (name: string) =>
    name === "bazaar"
      ? { describe: async (tenant: Tenant) => ({ ...(await describeInBazaar(tenant)), ...texts }) }
      : undefined;

  const app = express();
  app.disable("x-powered-by");
  app.use(securityHeaders({ https: secure }));
  app.get("/test/sign-in", ...sessions.middleware, trustEverybody(), async (request, response) => {
    const { tenant, id, email } = request.query;
    await sessions.signIn(request, { tenant: String(tenant), person: { id: String(id), email: String(email) } });
    response.redirect(303, "/dashboard");
  });
  const common = { store, provider: shop, clock, catalog, declarations, environment };
  app.use(dashboardRoutes({ ...common, marketplaceOf, sessions, publicUrl, connectTemplateUrl }));
  app.use(notFound, problemAnswer);

  return {
    app,
    signInPath: ({ id: tenant }, person = OWNER) =>
      `/test/sign-in?${new URLSearchParams({ tenant, id: person.id, email: person.email })}`,
    buy: async (wanted) => (await shop.provision(purchase({ resourceId: randomUUID(), ...wanted }))).value.tenant,
    name: ({ id }, people) => store.asTenant(id, (tx) => replacePeople(tx, id, people, clock.now())),
  };
}

/** A marketplace checks its token by a strategy under a Passport of its own. */
function trustEverybody(): RequestHandler {
  const strategy = new CustomStrategy.Strategy((_request, verified) => verified(null, {}));
  return new Passport().authenticate(strategy, { session: false });
}

export function describeInBazaar(tenant: Tenant): Promise<MarketplaceTexts> {
  return Promise.resolve({
    title: "Bazaar",
    headerId: "bazaar-header",
    backUrl: "https://bazaar.example/apps",
    appName: tenant.facts["app"] ?? "round-river",
    owner: tenant.facts["owner"] ?? "owner@round.example",
    people: [],
    ways: {
      changePlan: (plan) => ({ command: `bazaar addons:upgrade ${tenant.name} acme-search:${plan} --app round-river` }),
      showConfig: { command: "bazaar config --app round-river" },
      remove: { command: `bazaar addons:destroy ${tenant.name} --app round-river` },
    },
    rotationWarning: "Bazaar restarts every dyno of the apps that use it.",
  });
}
