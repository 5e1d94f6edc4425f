import { setTimeout as sleep } from "node:timers/promises";
import { type AwsApi, awsApi } from "../src/marketplaces/aws/api/aws-api.ts";
import { openCaller } from "../src/marketplaces/aws/api/call.ts";
import { type BillingIdentity, billingReference, lotOf } from "../src/marketplaces/aws/report/billing-reference.ts";
import { awsUsageReporting } from "../src/marketplaces/aws/report/usage-reporting.ts";
import type { ReportAnswer, ReportRecord, UsageReporting } from "../src/metering/reporting.ts";
import { type Simulator, startSimulator } from "../src/simulator/simulator.ts";
import { CLIENT_SECRET, sampleManifest } from "./support/sample-manifest.ts";

interface Bought {
  readonly agreement: string;
  readonly initial_agreement: string;
  readonly licence: string;
  readonly product_code: string;
  readonly account: string;
  readonly customer: string;
  readonly token: string;
}

const HOUR_MS = 3_600_000;
const region = "us-east-1";

describe("the SDK beside the simulator of AWS", () => {
  let simulator: Simulator;
  let api: AwsApi;
  let reporting: UsageReporting;

  beforeAll(async () => {
    simulator = await startSimulator({ port: 0, manifest: sampleManifest, clientSecret: CLIENT_SECRET });
    const { keys, queueUrl } = simulator.aws;
    const access = { region, endpoint: simulator.origin, keys };
    const caller = openCaller(access);
    api = awsApi({ ...access, queueUrl }, caller);
    reporting = awsUsageReporting({ caller, codeOf: (_, dimension) => dimension });
  });

  afterAll(() => simulator.close());

  async function post<T>(path: string, body: object): Promise<T> {
    const response = await fetch(`${simulator.origin}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(response.ok).toBe(true);
    return (await response.json()) as T;
  }

  const buy = (order: object = {}) => post<Bought>("/_aws/purchases", { register: false, ...order });
  const fault = (name: string, times = 1) => post("/_faults", { [name]: { value: 1, times } });
  const productOf = async (model: string): Promise<string> => {
    const answer = await fetch(`${simulator.origin}/_aws`);
    const { products } = (await answer.json()) as { products: { code: string; model: string }[] };
    return products.find((product) => product.model === model)?.code ?? "";
  };

  const identityOf = (bought: Bought): BillingIdentity => ({
    generation: "licence",
    licenceArn: bought.licence,
    accountId: bought.account,
    region,
  });

  /** An hour that has ended, a different one for each `ago`. */
  function recordOf(bought: Bought, ago: number, more: Partial<ReportRecord> = {}): ReportRecord {
    const hour = new Date(Math.floor(Date.now() / HOUR_MS) * HOUR_MS - ago * HOUR_MS);
    return {
      key: `${bought.licence} ${ago}`,
      billingReference: billingReference(identityOf(bought)),
      dimension: "units",
      hour,
      stampedAt: hour,
      units: 7,
      allocations: [],
      ...more,
    };
  }

  /** The simulator holds to AWS's quota of ten calls a second. */
  async function send(lot: string, records: readonly ReportRecord[]): Promise<ReportAnswer> {
    await sleep(110);
    return reporting.report({ lot, records }, AbortSignal.timeout(8_000));
  }

  const report = (bought: Bought, ...records: ReportRecord[]) =>
    send(lotOf({ generation: "licence", region, productCode: bought.product_code }), records);

  const kinds = (answer: ReportAnswer) =>
    answer.kind === "answered" ? [...answer.verdicts.values()].map(({ kind }) => kind) : answer.kind;

  async function billed(bought: Bought) {
    const answer = await fetch(`${simulator.origin}/_aws/ledger`);
    const { billed: rows } = (await answer.json()) as { billed: { licence: string; quantity: number }[] };
    return rows.filter(({ licence }) => licence === bought.licence).map(({ quantity }) => quantity);
  }

  const started = () => new Date(Date.now() - 20 * HOUR_MS).toISOString();

  test("a buyer's token is resolved to the purchase", async () => {
    const bought = await buy();
    expect(await api.resolveCustomer(bought.token)).toMatchObject({
      kind: "resolved",
      licenceArn: bought.licence,
      accountId: bought.account,
      productCode: bought.product_code,
    });
    expect(await api.resolveCustomer("nonsense")).toEqual({ kind: "invalid_token" });
    const { token } = await post<Bought>(`/_aws/purchases/${bought.agreement}/token`, { kind: "expired" });
    expect(await api.resolveCustomer(token)).toEqual({ kind: "expired_token" });
  });

  test("a throttled resolution is tried again", async () => {
    const bought = await buy();
    await fault("aws_resolve_throttled", 2);
    expect(await api.resolveCustomer(bought.token)).toMatchObject({ kind: "resolved" });
  });

  test("a contract's entitlements come over empty pages", async () => {
    const product = await productOf("contract");
    const bought = await buy({ product, quantities: { units: 40 } });
    await fault("aws_empty_pages", 1);
    expect(await api.entitlements({ productCode: product, licenceArn: bought.licence })).toMatchObject({
      kind: "found",
      value: [{ dimension: "units", value: 40, licenceArn: bought.licence }],
    });
    await post("/_faults", { aws_empty_pages: null });
    await fault("aws_entitlements_down");
    expect(await api.entitlements({ productCode: product, licenceArn: bought.licence })).toMatchObject({
      kind: "down",
    });
  });

  test("an agreement is found by its licence, and a renewal by the first of its chain", async () => {
    const product = await productOf("contract");
    const bought = await buy({ product, quantities: { units: 1 }, months: 1 });
    expect(await api.agreementOfLicence(bought.licence)).toMatchObject({ value: { id: bought.agreement } });
    const renewed = await post<Bought>(`/_aws/purchases/${bought.agreement}/renew`, {});
    expect(await api.agreement(renewed.agreement)).toMatchObject({
      kind: "found",
      value: { initialAgreementId: bought.agreement, licenceArns: [renewed.licence], accountId: bought.account },
    });
    expect(await api.agreement("agmt-none")).toEqual({ kind: "found", value: undefined });
    const changed = await api.changedAgreements(new Date(Date.now() - HOUR_MS));
    const ids = changed.kind === "found" ? changed.value.agreements.map(({ id }) => id) : changed.kind;
    expect(ids).toEqual(expect.arrayContaining([bought.agreement, renewed.agreement]));
    await fault("aws_agreements_down", 5);
    expect(await api.agreementOfLicence(bought.licence)).toMatchObject({ kind: "down" });
    await post("/_faults", { aws_agreements_down: null });
  });

  test("a trial is told with its end", async () => {
    const bought = await buy({ trial: true });
    const answer = await api.agreement(bought.agreement);
    expect(answer).toMatchObject({ kind: "found", value: { freeTrial: { until: expect.any(Date) } } });
  });

  test("events wait in the queue until they are settled", async () => {
    await post("/_aws/delivery", { queue: true });
    await buy();
    const first = await api.receive();
    const messages = first.kind === "found" ? first.value : [];
    expect(messages.length).toBeGreaterThan(0);
    expect(JSON.parse(messages[0]?.body ?? "")).toMatchObject({ source: "aws.agreement-marketplace" });
    expect(await api.settle(messages.map(({ handle }) => handle))).toEqual({ kind: "found", value: messages.length });
    await post("/_aws/delivery", { queue: false });
  });

  test("records are billed as they were frozen, and the same again changes nothing", async () => {
    const bought = await buy({ start: started() });
    const records = [1, 2, 3].map((ago) => recordOf(bought, ago, { units: ago }));
    expect(kinds(await report(bought, ...records))).toEqual(["billed", "billed", "billed"]);
    expect(kinds(await report(bought, ...records.toReversed()))).toEqual(["billed", "billed", "billed"]);
    expect(await billed(bought)).toEqual([1, 2, 3]);
  });

  test("another quantity for an hour is a conflict, which bills nothing", async () => {
    const bought = await buy({ start: started() });
    await report(bought, recordOf(bought, 1));
    expect(kinds(await report(bought, recordOf(bought, 1, { units: 8 })))).toEqual(["held_another"]);
    expect(await billed(bought)).toEqual([7]);
  });

  test("an identical repeat that AWS calls a duplicate is told as such", async () => {
    const bought = await buy({ start: started() });
    await report(bought, recordOf(bought, 1));
    await fault("aws_repeat_is_duplicate");
    expect(kinds(await report(bought, recordOf(bought, 1)))).toEqual(["held_another"]);
  });

  test.each([
    ["aws_throttle", "throttled", []],
    ["aws_error_before", "unknown", []],
    ["aws_error_after", "unknown", [7]],
    ["aws_drop_answer", "unknown", [7]],
    ["aws_unprocessed", ["not_taken"], []],
  ])("%s is told as it is, and the same record then goes in once", async (name, told, before) => {
    const bought = await buy({ start: started() });
    await fault(name);
    expect(kinds(await report(bought, recordOf(bought, 1)))).toEqual(told);
    expect(await billed(bought)).toEqual(before);
    expect(kinds(await report(bought, recordOf(bought, 1)))).toEqual(["billed"]);
    expect(await billed(bought)).toEqual([7]);
  });

  test("one bad record has the whole call refused, and the others go without it", async () => {
    const bought = await buy({ start: started() });
    const bad = recordOf(bought, 2, { dimension: "unheard-of" });
    expect(await report(bought, recordOf(bought, 1), bad)).toMatchObject({
      kind: "refused",
      code: "InvalidUsageDimensionException",
    });
    expect(kinds(await report(bought, recordOf(bought, 1)))).toEqual(["billed"]);
  });

  test("a record of the day before yesterday is too old", async () => {
    const bought = await buy({ start: new Date(Date.now() - 72 * HOUR_MS).toISOString() });
    expect(await report(bought, recordOf(bought, 48))).toMatchObject({ kind: "refused", tooOld: true });
  });

  test("tags are billed as allocations", async () => {
    const bought = await buy({ start: started() });
    const allocations = [
      { units: 4, tags: { team: "a" } },
      { units: 3, tags: {} },
    ];
    expect(kinds(await report(bought, recordOf(bought, 1, { allocations })))).toEqual(["billed"]);
    const answer = await fetch(`${simulator.origin}/_aws/ledger`);
    expect(JSON.stringify(await answer.json())).toContain('"team"');
  });

  test("the legacy generation is billed by product and customer", async () => {
    const bought = await buy({ generation: "legacy", start: started() });
    const { product_code: productCode, customer: customerIdentifier } = bought;
    const identity = { generation: "legacy", productCode, customerIdentifier, region } as const;
    const record = recordOf(bought, 1, { billingReference: billingReference(identity) });
    const lot = lotOf({ generation: "legacy", region, productCode });
    expect(kinds(await send(lot, [record]))).toEqual(["billed"]);
  });
});
