import { callsOf, type WaitingRecord } from "../src/metering/explain.ts";
import { closeAwsShops, rowOf } from "./support/aws.ts";
import { type AwsSimulation, awsSimulation } from "./support/aws-simulation.ts";
import { becomes, type ConsoleStage, type ConsoleVisitor, consoleOf } from "./support/console.ts";
import { hiddenIn } from "./support/console-tenants-app.ts";
import { send, settle } from "./support/usage.ts";

let aws: AwsSimulation;
let stage: ConsoleStage;
let visitor: ConsoleVisitor;
let tenant: string;

beforeAll(async () => {
  aws = await awsSimulation();
  await aws.turn("2027-01-20T10:10:00Z");
  const { provider, marketplace } = aws.shop;
  const usage = provider.deps.reporting().get("aws");
  if (usage === undefined) throw new Error("AWS bills usage.");
  stage = await consoleOf(provider, { marketplaces: new Map([["aws", { ...marketplace, usage }]]) });
  visitor = await stage.signIn();
  const bought = await aws.control("/purchases", { product: "payg-code" });
  const row = await aws.until(
    () => rowOf(aws.shop, String(bought.licence)),
    (found) => found?.tenant_state === "active",
  );
  tenant = String(row?.tenant_id);
});

afterAll(async () => {
  await aws.close();
  await closeAwsShops();
});

const is = (role: Parameters<typeof becomes>[2]) => becomes(aws.shop.provider, `${role}@example.com`, role);
const dryRun = async () =>
  (await visitor.get(`/console/metering/${tenant}/dry-run`).expect(200)).text
    .replace(/<head>.*<\/head>/s, "")
    .replace(/<[^>]+>/g, " ")
    .replace(/\s+/g, " ");
const act = () => `/console/tenants/${tenant}/acts/send_now`;
const sendNow = async (form: Record<string, string>, reason: string) =>
  visitor.post(`${act()}/confirmed`, { version: String(form["version"]), reason });
const billed = async () =>
  ((await aws.read("/_aws/ledger")).billed as { hour: string; quantity: number }[])
    .map(({ hour, quantity }) => `${hour.slice(0, 13)} ${quantity}`)
    .sort();

async function report(): Promise<void> {
  await settle(aws.shop.provider);
  for (let round = 0; round < 50; round += 1) {
    const worked = await aws.shop.provider.meterUsage();
    const reported = await aws.shop.provider.reportUsage(0);
    if (!worked && !reported) return;
  }
}

/** Usage of three hours. AWS was at fault when it was tried: the next try is some time away. */
async function leaveWaiting(): Promise<void> {
  await aws.set({ aws_error_before: true });
  for (const [hour, quantity] of [
    ["10", 5],
    ["11", 7],
    ["12", 9],
  ] as const) {
    const time = `2027-01-20T${hour}:20:00Z`;
    await aws.turn(`2027-01-20T${hour}:30:00Z`);
    await send(aws.shop.provider, { id: `event ${hour}`, tenant, dimension: "requests", quantity, time });
    await report();
  }
  await aws.turn("2027-01-20T13:20:00Z");
  await report();
  await aws.set({ aws_error_before: false });
}

describe("what waits of a tenant", () => {
  test("is shown by the dry run as it will leave, sent by an operator alone, once, and with a reason in the audit", async () => {
    await is("viewer");
    expect(await dryRun()).toContain("Nothing would be sent.");
    await leaveWaiting();
    // The session did not live through the afternoon.
    visitor = await stage.signIn();
    await is("viewer");
    expect(await billed()).toEqual([]);
    const shown = await dryRun();
    expect(shown).toContain("3 records would be sent, as they are, in one call");
    expect(shown).toContain("Call 1: 3 records");
    expect(shown).not.toContain("Send now");
    await visitor.get(act()).expect(403);
    expect((await sendNow({ version: "1" }, "I may not")).status).toBe(403);

    await is("operator");
    expect(await dryRun()).toContain("Send now");
    const form = hiddenIn((await visitor.get(act()).expect(200)).text);
    const stale = hiddenIn((await visitor.get(act()).expect(200)).text);
    expect((await sendNow(form, " ")).status).toBe(422);
    await report();
    expect(await billed()).toEqual([]);
    const answer = await sendNow(form, "The customer asked.");
    expect([answer.status, answer.headers["location"]]).toEqual([303, `/console/metering/${tenant}?done=send_now`]);
    const day = await visitor.get(answer.headers["location"] ?? "").expect(200);
    expect(day.text).toContain("What waits is due now");
    await report();
    const quantities = ["2027-01-20T10 5", "2027-01-20T11 7", "2027-01-20T12 9"];
    expect(await billed()).toEqual(quantities);
    for (const line of quantities)
      expect(shown).toMatch(new RegExp(`${line.slice(0, 13).replace("T", " ")}:00 requests ${line.slice(14)} `));
    expect(await dryRun()).toContain("Nothing would be sent.");

    const second = await sendNow(stale, "Me too.");
    expect([second.status, second.text.includes("The customer asked.")]).toEqual([409, true]);
    const told = await aws.shop.provider.look<{ by: string; data: object }>(
      `select "by", data from audit_entries where chain = $1 and action = 'operator.acted'`,
      [tenant],
    );
    expect(told).toEqual([
      { by: "operator:operator@example.com", data: { act: "send_now", reason: "The customer asked." } },
    ]);
  });

  test("is looked at under a reason, and nowhere where there is no such tenant", async () => {
    await visitor.get(`/console/metering/${"a".repeat(26)}/dry-run`).expect(404);
    await visitor.get(`/console/metering/${tenant}/dry-run?part=x`).expect(400);
    const told = await aws.shop.provider.look(
      "select from audit_entries where chain = $1 and data->>'reason' = 'looked at what would be sent'",
      [tenant],
    );
    expect(told.length).toBeGreaterThan(0);
  });
});

describe("a call", () => {
  const record = (n: number, lot: string, bytes = 300) =>
    ({ hour: new Date(n * 3_600_000), lot, bytes }) as unknown as WaitingRecord;
  const sizes = (records: WaitingRecord[], most = { records: 25, bytes: 100_000 }) =>
    callsOf(records, most).map((call) => [call[0]?.lot, call.length]);

  test("holds 25 records of one lot, no more bytes than fit, and one that is larger alone", () => {
    const mixed = Array.from({ length: 54 }, (_, n) => record(n, n % 2 === 0 ? "a" : "b"));
    expect(sizes(mixed)).toEqual([
      ["a", 25],
      ["b", 25],
      ["a", 2],
      ["b", 2],
    ]);
    const large = [record(1, "a", 60_000), record(2, "a", 60_000), record(3, "a", 200_000), record(4, "a", 10)];
    expect(sizes(large).map(([, count]) => count)).toEqual([1, 1, 1, 1]);
    expect(callsOf([], { records: 25, bytes: 1 })).toEqual([]);
  });
});
