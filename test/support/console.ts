import { randomBytes } from "node:crypto";
import express, { type Express } from "express";
import supertest from "supertest";
import { assetRoutes } from "../../src/dashboard/assets.ts";
import { type ConsoleOptions, consoleRoutes } from "../../src/dashboard/console/console.ts";
import type { Role } from "../../src/dashboard/console/parts.ts";
import { failedAttempts } from "../../src/http/failed-attempts.ts";
import { problemAnswer } from "../../src/http/problem.ts";
import { securityHeaders } from "../../src/http/security-headers.ts";
import { listen } from "./listen.ts";
import type { TestProvider } from "./provider.ts";
import { subscribed } from "./subscribed.ts";

export const OPERATOR_TOKEN = "the-operators-own-token";

/** A browser without scripts in the console: it keeps its cookie and sends forms with the token of the page they are on. */
export interface ConsoleVisitor {
  readonly cookie: string;
  get(path: string): supertest.Test;
  /** A form of ours, as a browser sends it. */
  post(path: string, fields?: Readonly<Record<string, string>>): Promise<supertest.Response>;
}

export interface ConsoleStage {
  readonly app: Express;
  readonly url: string;
  /** Signs in by the shared token. */
  signIn(): Promise<ConsoleVisitor>;
  visitor(cookie: string): ConsoleVisitor;
}

/** The console over a test's provider, on a port; `closeServers` closes it. */
export async function consoleOf(shop: TestProvider, given: Partial<ConsoleOptions> = {}): Promise<ConsoleStage> {
  const { store, clock, catalog } = shop.deps;
  const app = express();
  const { url } = await listen(app);
  app.disable("x-powered-by");
  app.set("query parser", "simple");
  app.use(securityHeaders({ https: false }));
  app.use("/assets", assetRoutes());
  app.use(
    "/console",
    consoleRoutes({
      ...{
        store,
        clock,
        catalog,
        provider: shop,
        marketplaces: new Map(),
        customerSessions: { open: async () => undefined },
        subscriptions: subscribed(shop),
        manifest: { inForce: {}, readFile: async () => ({ file: {} }) },
        settingsSet: [],
      },
      publicUrl: url,
      operatorToken: OPERATOR_TOKEN,
      secrets: [randomBytes(32)],
      secure: false,
      attempts: failedAttempts(),
      ...given,
    }),
    problemAnswer,
  );
  const visitor = (cookie: string) => visitorOf(url, cookie);
  return { app, url, visitor, signIn: async () => visitor(await cookieByToken(url)) };
}

/** The same person with a role: whoever signs in by the token keeps the session, and is then somebody else. */
export async function becomes(shop: TestProvider, email: string, role: Role): Promise<void> {
  await shop.look(
    `insert into operators (email, role, added_by, created_at, changed_at) values ($1, $2, 'test', $3, $3)
     on conflict (email) do update set role = excluded.role`,
    [email, role, shop.clock.now()],
  );
  await shop.look(
    `update console_sessions set person = $1, data = jsonb_set(data, '{operator}', jsonb_build_object('id', $1::text))
     where person is not null`,
    [email],
  );
}

async function cookieByToken(url: string): Promise<string> {
  const answer = await supertest(url).post("/console/sign-in").type("form").send({ token: OPERATOR_TOKEN }).expect(303);
  return cookieIn(answer);
}

export const cookieIn = (answer: supertest.Response): string => answer.get("Set-Cookie")?.[0]?.split(";")[0] ?? "";

function visitorOf(url: string, cookie: string): ConsoleVisitor {
  const get = (path: string) => supertest(url).get(path).set("Cookie", cookie);
  return {
    cookie,
    get,
    post: async (path, fields = {}) => {
      const { text } = await get("/console");
      const token = /name="csrf_token" value="([^"]+)"/.exec(text)?.[1] ?? "";
      const form = supertest(url).post(path).set("Cookie", cookie).type("form");
      return form.send({ csrf_token: token, ...fields });
    },
  };
}
