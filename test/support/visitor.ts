import supertest from "supertest";
import type { ProvisionRequest } from "../../src/provider/contract.ts";
import type { Tenant } from "../../src/tenants/tenants.ts";
import { MINUTE } from "./clock.ts";
import { type DashboardOfShop, dashboardOf } from "./dashboard-app.ts";
import { closeServers, listen } from "./listen.ts";
import { closeProviders, type TestProvider, type TestProviderOptions, testProvider } from "./provider.ts";

export interface Page {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

type Headers = Readonly<Record<string, string>>;
type Fields = Readonly<Record<string, string | readonly string[]>>;

/** A browser without scripts: it keeps its cookie, and sends forms with the token of the page they are on. */
export interface Visitor {
  get(path: string, headers?: Headers): Promise<Page>;
  /** `fields` are added to the token or stand in its place; `headers` say what the browser would say of itself. */
  post(action: string, fields?: Fields, headers?: Headers): Promise<Page>;
  token(): Promise<string>;
}

export interface Customer extends Visitor {
  readonly tenant: Tenant;
}

export interface Stage {
  readonly shop: TestProvider;
  readonly pages: DashboardOfShop;
  readonly url: string;
  visit(tenant: Tenant): Promise<Visitor>;
  /** Somebody who bought a minute ago and has opened the dashboard. */
  customer(wanted?: Partial<ProvisionRequest>): Promise<Customer>;
  /** What happened to the tenant: type, who, and which config var. */
  eventsOf(tenant: Tenant): Promise<string[]>;
}

/** A shop with its dashboard on a port; `leaveStage` closes it. */
export async function enterStage(options: TestProviderOptions = {}, connectTemplateUrl?: string): Promise<Stage> {
  const shop = await testProvider({ budgets: { product: 150 }, ...options });
  const pages = dashboardOf(shop, { connectTemplateUrl });
  const { url } = await listen(pages.app);
  return {
    shop,
    pages,
    url,
    visit: (tenant) => visit(url, pages, tenant),
    customer: async (wanted) => {
      const tenant = await pages.buy(wanted);
      shop.clock.advance(MINUTE);
      return { tenant, ...(await visit(url, pages, tenant)) };
    },
    eventsOf: async ({ id }) => {
      const rows = await shop.look<{ event: string }>(
        `select type || ' by ' || by || coalesce(' ' || (data->>'var'), '') as event from lifecycle_events
         where tenant_id = $1 order by sequence`,
        [id],
      );
      return rows.map(({ event }) => event);
    },
  };
}

export async function leaveStage(): Promise<void> {
  await closeServers();
  await closeProviders();
}

async function visit(url: string, pages: DashboardOfShop, tenant: Tenant): Promise<Visitor> {
  const agent = supertest.agent(url);
  await agent.get(pages.signInPath(tenant)).expect(303);
  const get = async (path: string, headers: Headers = {}): Promise<Page> => agent.get(path).set(headers);
  const token = async () => tokenIn((await get("/dashboard")).text);
  return {
    get,
    token,
    post: async (action, fields = {}, headers = {}) => {
      const form = encoded({ csrf_token: await token(), ...fields });
      return agent.post(action).type("form").set(headers).send(form);
    },
  };
}

function encoded(fields: Fields): string {
  const pairs = Object.entries(fields).flatMap(([name, values]) => [values].flat().map((value) => [name, value]));
  return new URLSearchParams(pairs as [string, string][]).toString();
}

function tokenIn(html: string): string {
  const token = /name="csrf_token" value="([^"]+)"/.exec(html)?.[1];
  if (token === undefined) throw new Error("There is no form on this page.");
  return token;
}
