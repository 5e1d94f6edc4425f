import { closeAwsShops, type Row, rowOf } from "./support/aws.ts";
import { type AwsSimulation, awsSimulation } from "./support/aws-simulation.ts";

let aws: AwsSimulation;

beforeAll(async () => {
  aws = await awsSimulation();
});
afterAll(async () => {
  await aws.close();
  await closeAwsShops();
});

const row = (key: string | null) => () => rowOf(aws.shop, String(key));
const isActive = (found: Row | undefined) => found?.tenant_state === "active";
const isOver = (found: Row | undefined) => /deprovisioning|gone/.test(found?.tenant_state ?? "");
const legacyKey = (code: string, customer: string | null) => `${code}:${customer}`;

/** By the SDK of AWS, unmodified, and messages as the simulator signs and sends them. */
describe("against the simulator of AWS", () => {
  test("a subscription is bought, registered, renewed into the same tenant, and cancelled", async () => {
    const one = await aws.control("/purchases", { product: "payg-code" });
    expect(one.fulfilment).toMatchObject({ status: 303 });
    const first = await aws.until(row(one.licence), isActive);
    const renewed = await aws.control(`/purchases/${one.agreement}/renew`);
    const second = await aws.until(row(renewed.licence), isActive);
    expect(second?.tenant_id).toBe(first?.tenant_id);
    await aws.until(row(one.licence), (found) => found?.state === "ended");
    expect(await row(one.licence)()).toMatchObject({ tenant_state: "active" });
    await aws.control(`/purchases/${renewed.agreement}/cancel`);
    await aws.until(row(renewed.licence), isOver);
  });

  test("a buyer who comes before the events has a tenant once they are there", async () => {
    const one = await aws.control("/purchases", { product: "payg-code", first: "registration" });
    expect(one.fulfilment).toMatchObject({ status: 303, location: "/aws/setup" });
    await aws.until(row(one.licence), isActive);
  });

  test("a contract sets limits, an amendment changes them", async () => {
    const one = await aws.control("/purchases", { product: "contract-code", quantities: { requests: 700 } });
    const limits = async () =>
      (
        await aws.shop.provider.look<{ limits: { requests?: number } | null }>(
          "select t.limits from tenants t join aws_licences l on l.tenant_id = t.id where l.key = $1",
          [one.licence],
        )
      )[0]?.limits?.requests;
    await aws.until(limits, (found) => found === 700);
    await aws.control(`/purchases/${one.agreement}/amend`, { quantities: { requests: 900 } });
    await aws.until(limits, (found) => found === 900);
  });

  test("the older generation comes by signed SNS, after the subscription is confirmed, by both signature versions", async () => {
    for (const signature_version of ["1", "2"]) {
      await aws.control("/delivery", { signature_version });
      const one = await aws.control("/purchases", { product: "payg-code", generation: "legacy" });
      const key = legacyKey("payg-code", one.customer);
      await aws.until(row(key), isActive);
      await aws.control(`/purchases/${one.agreement}/cancel`);
      await aws.until(row(key), (found) => found?.state === "ending");
    }
    const kept = await aws.shop.provider.look("select from aws_messages where source = 'sns'");
    expect(kept.length).toBeGreaterThanOrEqual(4);
  });

  test.each(["wrapped", "raw", "object"])("messages come out of the queue, %s", async (sns_form) => {
    await aws.control("/delivery", { eventbridge: false, sns: false, queue: true, sns_form });
    const [licence, legacy] = [
      await aws.control("/purchases", { product: "payg-code" }),
      await aws.control("/purchases", { product: "payg-code", generation: "legacy" }),
    ];
    await aws.until(row(licence.licence), isActive);
    await aws.until(row(legacyKey("payg-code", legacy.customer)), isActive);
    await aws.control("/delivery", { eventbridge: true, sns: true, queue: false });
    expect((await aws.read("/_aws/messages")).length).toBeGreaterThan(0);
  });

  test("events that were lost are made good by the sweep of agreements", async () => {
    const one = await aws.control("/purchases", { product: "payg-code", events: "none" });
    await aws.shop.provider.look(
      "update aws_rounds set due_at = due_at - interval '1 day', through = null returning name",
    );
    await aws.until(row(one.licence), isActive);
    await aws.control(`/purchases/${one.agreement}/cancel`, { events: "none" });
    await aws.shop.provider.look("update aws_rounds set due_at = due_at - interval '1 day' returning name");
    await aws.until(row(one.licence), (found) => found?.state === "ending");
  });

  test("a customer of the older generation is not moved on to a licence by the sweep, and leaves by signed notices", async () => {
    const one = await aws.control("/purchases", { product: "payg-code", generation: "legacy" });
    const key = legacyKey("payg-code", one.customer);
    await aws.until(row(key), isActive);
    await aws.shop.provider.look(
      "update aws_rounds set due_at = due_at - interval '1 day', through = null returning name",
    );
    for (let round = 0; round < 5; round += 1) await aws.until(row(key), isActive);
    const payers = await aws.shop.provider.look<{ billing_reference: string }>(
      "select p.billing_reference from usage_payers p join aws_licences l on l.tenant_id = p.tenant_id where l.key = $1",
      [key],
    );
    expect(payers.map(({ billing_reference }) => JSON.parse(billing_reference)[0])).toEqual(["legacy"]);
    await aws.control(`/purchases/${one.agreement}/cancel`);
    await aws.until(row(key), (found) => found?.state === "ending");
    await fetch(`${aws.simulator.origin}/_clock`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ advance: "62m" }),
    });
    await aws.until(row(key), isOver);
  });

  test("an expired and a foreign token are told apart from a good one, and none is stored", async () => {
    const one = await aws.control("/purchases", { product: "payg-code", register: false });
    for (const [kind, text] of [
      ["expired", "has expired"],
      ["foreign", "AWS does not know"],
    ]) {
      const { token } = await aws.control(`/purchases/${one.agreement}/token`, { kind });
      const body = new URLSearchParams({ "x-amzn-marketplace-token": token });
      const answer = await fetch(`${aws.shop.url}/aws/register`, { method: "POST", body, redirect: "manual" });
      expect(answer.status).toBe(400);
      expect(await answer.text()).toContain(text);
    }
    const unclaimed = await aws.until(row(one.licence), (found) => found?.state === "active");
    expect(unclaimed).toMatchObject({ tenant_id: null });
  });
});
