import { closeAwsShops, rowOf } from "./support/aws.ts";
import { type AwsSimulation, awsSimulation, type Bought } from "./support/aws-simulation.ts";
import { send, settle } from "./support/usage.ts";

let aws: AwsSimulation;

beforeEach(async () => {
  aws = await awsSimulation();
  await aws.turn("2027-01-31T22:10:00Z");
});
afterEach(async () => {
  await aws.close();
  await closeAwsShops();
});

async function subscribed(): Promise<{ bought: Bought; tenant: string }> {
  const bought = await aws.control("/purchases", { product: "payg-code" });
  const row = await aws.until(
    () => rowOf(aws.shop, String(bought.licence)),
    (found) => found?.tenant_state === "active",
  );
  return { bought, tenant: String(row?.tenant_id) };
}

let sent = 0;
const used = (tenant: string, quantity: number, time: string) =>
  send(aws.shop.provider, { id: `event ${sent++}`, tenant, dimension: "requests", quantity, time });

/** A worker goes round until there is nothing more to do. */
async function report(): Promise<void> {
  await settle(aws.shop.provider);
  for (let round = 0; round < 50; round += 1) {
    const worked = await aws.shop.provider.meterUsage();
    const reported = await aws.shop.provider.reportUsage(0);
    if (!worked && !reported) return;
  }
}

/** `hour quantity`, as AWS bills it. */
async function billed(): Promise<string[]> {
  const { billed: rows } = await aws.read("/_aws/ledger");
  return rows
    .map(({ hour, quantity }: { hour: string; quantity: number }) => `${hour.slice(5, 16)} ${quantity}`)
    .sort();
}

describe("at the end of a month", () => {
  test("the last hour is billed by a worker that was away until shortly before six", async () => {
    const { tenant } = await subscribed();
    await aws.turn("2027-01-31T23:40:00Z");
    await used(tenant, 5, "2027-01-31T23:30:00Z");
    await aws.turn("2027-02-01T00:20:00Z");
    await used(tenant, 7, "2027-02-01T00:10:00Z");
    await aws.turn("2027-02-01T05:55:00Z");
    await report();
    expect(await billed()).toEqual(["01-31T23:00 5", "02-01T00:00 7"]);
  });

  test("what a worker that came after six could not send any more is billed in a later hour, and nothing is lost", async () => {
    const { tenant } = await subscribed();
    await aws.turn("2027-01-31T23:40:00Z");
    await used(tenant, 5, "2027-01-31T23:30:00Z");
    await aws.turn("2027-02-01T06:05:00Z");
    await report();
    await aws.turn("2027-02-01T08:30:00Z");
    await report();
    const rows = await billed();
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatch(/^02-01T\d\d:00 5$/);
    expect(await aws.shop.provider.meteringSummary()).toMatchObject({ lost: {}, waiting: {}, carried: {} });
  });
});

describe("when a purchase ends", () => {
  test("the running hour is billed though AWS fails for forty minutes, and what comes later is refused", async () => {
    const { bought, tenant } = await subscribed();
    await aws.turn("2027-01-31T22:40:00Z");
    await used(tenant, 11, "2027-01-31T22:30:00Z");
    await aws.set({ aws_error_before: true });
    await aws.control(`/purchases/${bought.agreement}/cancel`);
    await aws.until(
      () => rowOf(aws.shop, String(bought.licence)),
      (found) => /deprovisioning|gone/.test(found?.tenant_state ?? ""),
    );
    await report();
    expect(await used(tenant, 1, "2027-01-31T22:41:00Z")).toEqual(["usage_closed"]);
    await aws.turn("2027-01-31T23:20:00Z");
    await report();
    expect(await billed()).toEqual([]);
    await aws.set({ aws_error_before: false });
    await aws.turn("2027-01-31T23:25:00Z");
    await report();
    expect(await billed()).toEqual(["01-31T22:00 11"]);
    expect(await aws.shop.provider.meteringSummary()).toMatchObject({ lost: {}, waiting: {}, at_risk: {} });
  });
});
