import { randomUUID } from "node:crypto";
import type { Marketplace } from "../src/marketplaces/marketplace.ts";
import type { Tenant } from "../src/tenants/tenants.ts";
import { closeAwsShops, rowOf } from "./support/aws.ts";
import { type AwsSimulation, awsSimulation, type Bought } from "./support/aws-simulation.ts";
import { buy, closeShops, grant, type HerokuShop, herokuShop } from "./support/heroku.ts";

let aws: AwsSimulation;
let heroku: HerokuShop;

beforeAll(async () => {
  [aws, heroku] = await Promise.all([awsSimulation(), herokuShop()]);
});
afterAll(async () => {
  await aws.close();
  await closeAwsShops();
  await closeShops();
});

/** By its terms. */
async function said({ currentTruth }: Marketplace, tenant: Tenant, ms = 10_000): Promise<Record<string, string>> {
  const lines = (await currentTruth?.(tenant, AbortSignal.timeout(ms))) ?? [];
  return Object.fromEntries(lines.map(({ term, text }) => [term, text]));
}

async function tenantOf({ licence }: Bought) {
  const row = await aws.until(
    () => rowOf(aws.shop, String(licence)),
    (found) => found?.tenant_state === "active",
  );
  const tenant = await aws.shop.provider.findTenant({ tenant: String(row?.tenant_id) });
  if (tenant === undefined) throw new Error("The tenant is not there.");
  return tenant;
}

const ask = (tenant: Tenant) => said(aws.shop.marketplace, tenant);

describe("what AWS says of a purchase now", () => {
  test("is its agreement, asked for each time", async () => {
    const bought = await aws.control("/purchases", { product: "payg-code" });
    const tenant = await tenantOf(bought);
    expect(await ask(tenant)).toMatchObject({
      State: "ACTIVE",
      Agreement: bought.agreement,
      Account: bought.account,
      Ends: "open",
    });
    await aws.control("/delivery", { eventbridge: false, sns: false, queue: false });
    await aws.control(`/purchases/${bought.agreement}/cancel`);
    // We have heard of nothing.
    expect((await rowOf(aws.shop, String(bought.licence)))?.state).toBe("active");
    expect(await ask(tenant)).toMatchObject({ State: "CANCELLED" });
    await aws.control("/delivery", { eventbridge: true, sns: true });
  });

  test("is what a contract entitles to as well, or that this is not told", async () => {
    const bought = await aws.control("/purchases", { product: "contract-code", quantities: { requests: 700 } });
    const tenant = await tenantOf(bought);
    expect((await ask(tenant))["Entitlements"]).toMatch(/^requests 700 until 20\d\d-/);
    await aws.set({ aws_entitlements_down: true });
    expect(await ask(tenant)).toMatchObject({ State: "ACTIVE", Entitlements: expect.stringMatching(/^not told: /) });
    await aws.set({ aws_entitlements_down: null });
  });

  test("is said to be unknown when AWS does not answer", async () => {
    const tenant = await tenantOf(await aws.control("/purchases", { product: "payg-code" }));
    await aws.set({ aws_agreements_down: true });
    await expect(ask(tenant)).rejects.toMatchObject({ code: "marketplace_unavailable" });
    await aws.set({ aws_agreements_down: null });
  });
});

describe("what Heroku says of a purchase now", () => {
  const answered = { name: "acme-search-flat-1", state: "provisioned", plan: { name: "acme-search:basic" } };

  async function bought(): Promise<{ readonly tenant: Tenant; readonly request: string }> {
    const { uuid, id } = await buy(heroku, { oauth_grant: grant(heroku, randomUUID()) });
    await heroku.provider.rest();
    const tenant = await heroku.provider.findTenant({ tenant: id });
    if (tenant === undefined) throw new Error("The tenant is not there.");
    return { tenant, request: `GET /addons/${uuid}` };
  }

  test("is its add-on, with the app it is attached to where that is told", async () => {
    const { tenant, request } = await bought();
    heroku.heroku.say(request, { status: 200, body: { ...answered, app: { name: "shop" } } });
    expect(await said(heroku.marketplace, tenant)).toEqual({
      State: "provisioned",
      Plan: "acme-search:basic",
      Name: "acme-search-flat-1",
      App: "shop",
    });
    heroku.heroku.say(request, { status: 200, body: answered });
    expect(await said(heroku.marketplace, tenant)).toMatchObject({ App: "not said" });
  });

  test.each([404, 410])("is that there is none, for %i", async (status) => {
    const { tenant, request } = await bought();
    heroku.heroku.say(request, { status, body: { id: "not_found" } });
    expect(await said(heroku.marketplace, tenant)).toEqual({ State: "there is no such add-on" });
  });

  test("is unknown when it is silent, or says what is nothing we understand", async () => {
    const { tenant, request } = await bought();
    heroku.heroku.say(request, { status: 200, body: { id: 1 } }, "silence");
    await expect(said(heroku.marketplace, tenant)).rejects.toMatchObject({ code: "marketplace_unavailable" });
    await expect(said(heroku.marketplace, tenant, 300)).rejects.toMatchObject({ code: "marketplace_unavailable" });
  });
});
