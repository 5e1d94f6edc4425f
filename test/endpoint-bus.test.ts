import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { type CloudEvent, madeUpEvent } from "../src/events/envelope.ts";
import { lotsOf } from "../src/subscriptions/event-bridge.ts";
import { MINUTE, SECOND } from "./support/clock.ts";
import { type AwsSimulation, openAws } from "./support/open-aws.ts";
import { closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { closeReceivers, receiver } from "./support/receiver.ts";
import { boughtTenant, happens, type Subscribed, subscribed } from "./support/subscribed.ts";

interface BusEvent {
  readonly bus: string;
  readonly region: string;
  readonly source: string;
  readonly detailType: string;
  readonly detail: CloudEvent;
}

let aws: AwsSimulation;
let shop: TestProvider;
let out: Subscribed;

beforeAll(async () => {
  aws = await openAws();
});

beforeEach(async () => {
  shop = await testProvider();
  out = subscribed(shop, { aws: { endpoint: aws.simulator.origin, keys: aws.simulator.aws.keys } });
  await aws.post("/_reset");
});

afterEach(async () => {
  await closeReceivers();
  await closeProviders();
});

afterAll(() => aws.close());

const taken = (): Promise<BusEvent[]> => aws.get("/_aws/bus");
const fault = (name: string, setting: unknown) => aws.post("/_faults", { [name]: setting });
const calls = async (): Promise<number> => {
  const exchanges = (await aws.get("/_exchanges")) as { url: string }[];
  return exchanges.filter(({ url }) => url.endsWith("PutEvents")).length;
};

async function bus(types: readonly string[] = ["provision.*"]): Promise<string> {
  return (await out.create({ bus: "vendor", region: "eu-west-1", types })).endpoint.id;
}

describe("a bus", () => {
  test("gets events as entries, ten to a call, one of each tenant, in the order of each", async () => {
    await bus();
    for (let count = 0; count < 23; count += 1) await boughtTenant(shop);
    await out.send();
    const events = await taken();
    expect(events).toHaveLength(46);
    expect(events[0]).toMatchObject({
      bus: "vendor",
      region: "eu-west-1",
      source: "com.acme-search",
      detailType: "com.acme-search.tenant.provision.requested.v1",
      detail: { specversion: "1.0", source: "https://addons.example" },
    });
    const byTenant = new Map<string, string[]>();
    for (const { detail } of events)
      byTenant.set(detail.subject, [...(byTenant.get(detail.subject) ?? []), detail.sequence]);
    expect([...byTenant.values()].every((order) => order.join() === "000000000001,000000000002")).toBe(true);
    expect(await calls()).toBeLessThanOrEqual(8);
  });

  test("that refuses some entries gets those again, and of their tenants nothing before", async () => {
    const id = await bus();
    await fault("aws_events_refused", { value: 2, times: 1 });
    const tenants = [await boughtTenant(shop), await boughtTenant(shop), await boughtTenant(shop)];
    await out.send();
    const orders = async () => {
      const events = await taken();
      return tenants.map((tenant) =>
        events.filter(({ detail }) => detail.subject === tenant.id).map(({ detail }) => Number(detail.sequence)),
      );
    };
    expect((await orders()).toSorted((left, right) => left.length - right.length)).toEqual([[], [], [1, 2]]);
    expect(await out.find(id)).toMatchObject({ owed: 4 });
    expect(out.settled.filter(({ outcome }) => outcome === "retry").map((one) => one.fault)).toEqual([
      "EventBridge did not take it (ThrottlingException).",
      "EventBridge did not take it (ThrottlingException).",
    ]);
    shop.clock.advance(5 * SECOND);
    await out.send();
    expect(await orders()).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
    expect(new Set((await taken()).map(({ detail }) => detail.id)).size).toBe(6);
  });

  test("that is down loses nothing and stops no address", async () => {
    const id = await bus();
    const desk = await receiver();
    await out.create({ url: desk.url, types: ["provision.*"] });
    await fault("aws_events_down", true);
    await boughtTenant(shop);
    await out.send();
    expect(desk.got).toHaveLength(2);
    expect(await out.find(id)).toMatchObject({ owed: 2 });
    await fault("aws_events_down", null);
    shop.clock.advance(MINUTE);
    await out.send();
    expect(await taken()).toHaveLength(2);
  });

  test("gets large events in calls of less than 256 kB", async () => {
    await bus(["signed_in"]);
    const tenants = await Promise.all(Array.from({ length: 6 }, () => boughtTenant(shop)));
    for (const tenant of tenants) await happens(shop, tenant, "signed_in", { email: "x".repeat(100_000) });
    await out.send();
    expect(await taken()).toHaveLength(6);
    expect(await calls()).toBe(3);
  });

  test("never gets what is larger than a call: that is given up at once, and the next goes on", async () => {
    await bus(["signed_in"]);
    const tenant = await boughtTenant(shop);
    await happens(shop, tenant, "signed_in", { email: "x".repeat(300_000) });
    await happens(shop, tenant);
    await out.send();
    expect((await taken()).map(({ detail }) => detail.sequence)).toEqual(["000000000004"]);
    expect(out.settled[0]).toMatchObject({ outcome: "given_up", fault: "It is larger than EventBridge takes." });
  });

  test("named by its ARN is in the region of that", async () => {
    const arn = "arn:aws:events:ap-south-1:111122223333:event-bus/vendor";
    const { endpoint, secret } = await out.create({ bus: arn, types: ["provision.done"] });
    expect(endpoint).toMatchObject({ kind: "eventbridge", bus: arn, region: "ap-south-1" });
    expect(secret).toBeUndefined();
    await boughtTenant(shop);
    await out.send();
    expect(await taken()).toEqual([expect.objectContaining({ bus: arn, region: "ap-south-1" })]);
    expect(await out.tryOut(endpoint.id, "suspended")).toMatchObject({ outcome: "delivered", type: "suspended" });
    await expect(out.rotateSecret(endpoint.id, 0)).rejects.toMatchObject({ code: "request_malformed" });
    await expect(out.change(endpoint.id, { url: "http://127.0.0.1/" })).rejects.toMatchObject({
      code: "request_malformed",
    });
  });
});

describe("lots", () => {
  const event = (bytes: number): CloudEvent => {
    const made = madeUpEvent({ publicUrl: "https://a.example", serviceId: "a" }, "signed_in", new Date(0));
    return { ...made, data: { ...made.data, details: { email: "x".repeat(bytes) } } };
  };
  const sizes = (...bytes: number[]) => lotsOf(bytes.map(event), (one) => one).map((lot) => lot.length);

  test("hold ten at most, and no more bytes than a call", () => {
    expect(sizes(...Array.from({ length: 21 }, () => 1))).toEqual([10, 10, 1]);
    expect(sizes(100_000, 100_000, 100_000, 100_000)).toEqual([2, 2]);
    expect(sizes(1, 400_000, 1, 1)).toEqual([1, 1, 2]);
    expect(lotsOf([], () => event(1))).toEqual([]);
  });
});

describe("PutEvents of the simulator", () => {
  const client = () =>
    new EventBridgeClient({
      endpoint: aws.simulator.origin,
      region: "us-east-1",
      credentials: aws.simulator.aws.keys,
      maxAttempts: 1,
    });
  const put = (entries: object[]) => client().send(new PutEventsCommand({ Entries: entries }));
  const good = { Source: "com.example", DetailType: "thing", Detail: "{}" };

  test("judges each entry alone", async () => {
    const answer = await put([
      good,
      { ...good, Detail: "{" },
      { ...good, Source: "aws.s3" },
      { DetailType: "thing", Detail: "{}" },
      { ...good, DetailType: "x".repeat(129) },
    ]);
    expect(answer.FailedEntryCount).toBe(4);
    expect(answer.Entries?.map(({ ErrorCode }) => ErrorCode)).toEqual([
      undefined,
      "MalformedDetail",
      "NotAuthorizedForSourceException",
      "InvalidArgument",
      "InvalidArgument",
    ]);
    expect(await taken()).toHaveLength(1);
  });

  test("refuses more than ten entries, none, or 256 kB of them, whole", async () => {
    const large = { ...good, Detail: JSON.stringify({ x: "x".repeat(140_000) }) };
    for (const entries of [Array.from({ length: 11 }, () => good), [], [large, large]]) {
      await expect(put(entries)).rejects.toMatchObject({ name: "ValidationException" });
    }
    expect(await taken()).toEqual([]);
  });
});
