import { randomBytes } from "node:crypto";
import express, { type Router } from "express";
import supertest from "supertest";
import { assetRoutes } from "../../src/dashboard/assets.ts";
import { deliveryRoutes } from "../../src/dashboard/console/deliveries/deliveries.ts";
import { endpointRoutes } from "../../src/dashboard/console/endpoints/endpoints.ts";
import { type ConsoleParts, letIn, type Role } from "../../src/dashboard/console/parts.ts";
import { tenantRoutes } from "../../src/dashboard/console/tenants/tenants.ts";
import { customerRoutes } from "../../src/dashboard/customer/customer-routes.ts";
import { pageErrors } from "../../src/dashboard/error-page.tsx";
import { notFound } from "../../src/http/problem.ts";
import { securityHeaders } from "../../src/http/security-headers.ts";
import type { Marketplace } from "../../src/marketplaces/marketplace.ts";
import { browserSessions } from "../../src/sso/browser-sessions.ts";
import { describeInBazaar } from "./dashboard-app.ts";
import { listen } from "./listen.ts";
import type { TestProvider } from "./provider.ts";
import { subscribed } from "./subscribed.ts";

/** The console's tenants over a test's provider. Who signs in is said by a header; forms carry their token as ever. */
export async function consoleOf(shop: TestProvider, bazaar: Partial<Marketplace> = {}) {
  const { store, clock, catalog, declarations } = shop.deps;
  const sessions = browserSessions({ store, clock, secrets: [randomBytes(32)], secure: false });
  const marketplace = { describe: describeInBazaar, ...bazaar };
  const common = {
    ...{ store, provider: shop, clock, catalog, publicUrl: "http://127.0.0.1" },
    identityProviders: false,
  };
  const parts: ConsoleParts = {
    ...common,
    marketplaces: new Map([["bazaar", marketplace]]),
    operatorToken: undefined,
    customerSessions: sessions,
    subscriptions: subscribed(shop),
    manifest: { inForce: {}, readFile: async () => ({ file: {} }) },
    settingsSet: [],
  };
  const formSessions = new Map<string, object>();
  const app = express();
  app.use(securityHeaders({ https: false }));
  app.use("/assets", assetRoutes());
  app.use("/console", (request, _response, next) => {
    const [role = "viewer", id = "nobody"] = String(request.headers["x-person"] ?? "admin:eve").split(":");
    letIn(request, { id, name: id, role: role as Role });
    const session = formSessions.get(id) ?? {};
    formSessions.set(id, session);
    Object.assign(request, { session });
    next();
  });
  app.use("/console/tenants", tenantRoutes(parts));
  app.use("/console/deliveries", deliveryRoutes(parts));
  app.use("/console/endpoints", endpointRoutes(parts));
  app.use(
    "/dashboard",
    customerRoutes({ ...common, environment: "test", declarations, sessions, marketplaceOf: () => marketplace }),
  );
  app.use(notFound, ...pageErrors(catalog.name));
  const { url } = await listen(app);

  /** A browser in which somebody is signed in. */
  const person = (role: Role, id: string = role) => {
    const agent = supertest.agent(url).set("x-person", `${role}:${id}`);
    return {
      get: (path: string) => agent.get(path),
      send: (method: string, path: string) => agent[method.toLowerCase() as "get" | "post"](path),
      post: (path: string, fields: Readonly<Record<string, string>>) => agent.post(path).type("form").send(fields),
      /** Opens the page of an act and sends its form, with what is filled in. */
      act: async (tenant: string, act: string, filled: Readonly<Record<string, string>> = {}, query = "") => {
        const path = `/console/tenants/${tenant}/acts/${act}`;
        const form = hiddenIn((await agent.get(`${path}${query}`).expect(200)).text);
        return agent
          .post(`${path}/confirmed`)
          .type("form")
          .send({ reason: "a test", ...form, ...filled });
      },
    };
  };
  return { url, person, routes: routesOf(tenantRoutes(parts)) };
}

/** Every route, as `POST /:id/ask`. */
const routesOf = ({ stack }: Router): string[] =>
  stack.flatMap(({ route }) =>
    route === undefined
      ? []
      : Object.keys((route as unknown as { readonly methods: object }).methods).map(
          (method) => `${method.toUpperCase()} ${route.path}`,
        ),
  );

/** The hidden fields of the form on a page. */
export function hiddenIn(html: string): Record<string, string> {
  const fields = html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g);
  return Object.fromEntries([...fields].map(([, name = "", value = ""]) => [name, value]));
}
