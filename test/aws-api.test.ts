import { type AwsApiOptions, awsApi } from "../src/marketplaces/aws/api/aws-api.ts";
import { type FakeAws, fakeAws, testKeys } from "./support/fake-aws.ts";

const licenceArn = "arn:aws:license-manager::123456789012:license:l-0123456789abcdef0123456789abcdef";
const token = "tok+/=en of the buyer";

describe("what we ask of AWS", () => {
  let aws: FakeAws;

  beforeEach(async () => {
    aws = await fakeAws();
  });

  afterEach(() => aws.close());

  const open = (options: Partial<AwsApiOptions> = {}) =>
    awsApi({ region: "eu-west-1", endpoint: aws.url, keys: testKeys, ...options });

  test("a registration token is sent as it is and resolved in the region of the service", async () => {
    aws.on("ResolveCustomer", {
      body: {
        LicenseArn: licenceArn,
        ProductCode: "code",
        CustomerAWSAccountId: "000123456789",
        CustomerIdentifier: "",
      },
    });
    expect(await open().resolveCustomer(token)).toEqual({
      kind: "resolved",
      licenceArn,
      productCode: "code",
      accountId: "000123456789",
    });
    expect(aws.calls).toMatchObject([{ region: "eu-west-1", body: { RegistrationToken: token } }]);
  });

  test("a product of the old generation is resolved to its customer identifier", async () => {
    aws.on("ResolveCustomer", { body: { ProductCode: "code", CustomerIdentifier: "cust" } });
    expect(await open().resolveCustomer(token)).toEqual({
      kind: "resolved",
      productCode: "code",
      customerIdentifier: "cust",
    });
  });

  test.each([
    ["InvalidTokenException", "any", "invalid_token"],
    ["ExpiredTokenException", "The registration token has expired.", "expired_token"],
    ["ExpiredTokenException", "The security token included in the request is expired", "misconfigured"],
    ["DisabledApiException", "any", "misconfigured"],
    ["AccessDeniedException", "any", "misconfigured"],
    ["InvalidSignatureException", "Signature expired", "misconfigured"],
    ["ValidationException", "any", "misconfigured"],
  ])("%s (%s) is told as %s after one call", async (error, message, kind) => {
    aws.on("ResolveCustomer", { error, message });
    expect(await open().resolveCustomer(token)).toMatchObject({ kind });
    expect(aws.calls).toHaveLength(1);
  });

  test("throttling and a fault of AWS's own are tried again while the buyer waits", async () => {
    aws.on(
      "ResolveCustomer",
      { error: "ThrottlingException" },
      { error: "InternalServiceErrorException", status: 500 },
      { body: { LicenseArn: licenceArn, ProductCode: "code" } },
    );
    expect(await open().resolveCustomer(token)).toMatchObject({ kind: "resolved" });
    expect(aws.calls).toHaveLength(3);
  });

  test("a silent AWS is told as down when the caller's time is over", async () => {
    aws.on("ResolveCustomer", "hang");
    const answer = await open().resolveCustomer(token, AbortSignal.timeout(300));
    expect(answer).toMatchObject({ kind: "down" });
  });

  test("neither the token nor an ARN gets into a message", async () => {
    aws.on("ResolveCustomer", {
      error: "AccessDeniedException",
      message: `no ${token} for arn:aws:iam::1:role/seller`,
    });
    const answer = JSON.stringify(await open().resolveCustomer(token));
    expect(answer).toContain("AccessDenied");
    expect(answer).not.toContain(token);
    expect(answer).not.toContain("role/seller");
  });

  test("an answer that names no purchase is no answer", async () => {
    aws.on("ResolveCustomer", { body: { ProductCode: "code" } });
    expect(await open().resolveCustomer(token)).toMatchObject({ kind: "down" });
  });

  test("entitlements are followed over empty pages and asked for by licence in the home region", async () => {
    aws.on(
      "GetEntitlements",
      { body: { Entitlements: [], NextToken: "second" } },
      { body: { Entitlements: [{ Dimension: "users", Value: { IntegerValue: 0 } }], NextToken: "third" } },
      {
        body: {
          Entitlements: [
            { Dimension: "sso", Value: { BooleanValue: false }, ExpirationDate: 1_800_000_000, LicenseArn: licenceArn },
            { Dimension: "storage", Value: { DoubleValue: 2.5 } },
            { Dimension: "edition", Value: { StringValue: "premium" } },
          ],
        },
      },
    );
    const answer = await open().entitlements({ productCode: "code", licenceArn, account: "1", customer: "c" });
    expect(answer).toEqual({
      kind: "found",
      value: [
        { dimension: "users", value: 0 },
        { dimension: "sso", value: false, expiresAt: new Date(1_800_000_000_000), licenceArn },
        { dimension: "storage", value: 2.5 },
        { dimension: "edition", value: "premium" },
      ],
    });
    expect(aws.calls.map(({ body }) => body["NextToken"])).toEqual([undefined, "second", "third"]);
    expect(aws.calls[0]).toMatchObject({ region: "us-east-1", body: { Filter: { LICENSE_ARN: [licenceArn] } } });
    expect(aws.calls[0]?.body["Filter"]).not.toHaveProperty("CUSTOMER_AWS_ACCOUNT_ID");
  });

  test("pages that never end are no list", async () => {
    aws.on("GetEntitlements", { body: { Entitlements: [], NextToken: "again" } });
    expect(await open().entitlements({ productCode: "code" })).toMatchObject({ kind: "down" });
    expect(aws.calls).toHaveLength(2);
  });

  test("an agreement comes with its licences and the end of its trial", async () => {
    aws.on("DescribeAgreement", {
      body: {
        agreementId: "agmt-2",
        initialAgreementId: "agmt-1",
        status: "ACTIVE",
        startTime: 1_780_000_000,
        endTime: 253_370_764_800,
        acceptor: { accountId: "000123456789" },
        proposalSummary: { resources: [{ id: "prod-1", type: "SaaSProduct" }] },
      },
    });
    aws.on("GetAgreementTerms", { body: { acceptedTerms: [{ freeTrialPricingTerm: { duration: "P14D" } }] } });
    aws.on("SearchAgreements", {
      body: {
        agreementViewSummaries: [
          { agreementId: "agmt-1", entitlements: [{ licenseArn: "arn:aws:other" }] },
          { agreementId: "agmt-2", entitlements: [{ licenseArn: licenceArn }], lastUpdateTime: 1_780_000_500 },
        ],
      },
    });
    const start = new Date(1_780_000_000_000);
    expect(await open().agreement("agmt-2")).toEqual({
      kind: "found",
      value: {
        id: "agmt-2",
        initialAgreementId: "agmt-1",
        status: "ACTIVE",
        licenceArns: [licenceArn],
        productIds: ["prod-1"],
        accountId: "000123456789",
        start,
        updatedAt: new Date(1_780_000_500_000),
        freeTrial: { until: new Date(start.getTime() + 14 * 86_400_000) },
      },
    });
  });

  test("an agreement whose terms are denied is told without them, one whose terms are slow waits", async () => {
    aws.on("DescribeAgreement", { body: { agreementId: "agmt-1", status: "ACTIVE" } });
    aws.on("SearchAgreements", { error: "AccessDeniedException" });
    aws.on("GetAgreementTerms", { error: "AccessDeniedException" }, { error: "ThrottlingException" });
    expect(await open().agreement("agmt-1")).toMatchObject({ kind: "found", value: { licenceArns: [] } });
    expect(await open().agreement("agmt-1")).toEqual({ kind: "throttled" });
  });

  test("an agreement that AWS does not know is undefined", async () => {
    aws.on("DescribeAgreement", { error: "ResourceNotFoundException" });
    expect(await open().agreement("agmt-0")).toEqual({ kind: "found", value: undefined });
  });

  test("the agreement of a licence is the newest that names it", async () => {
    aws.on("SearchAgreements", {
      body: {
        agreementViewSummaries: [
          { agreementId: "newer", startTime: 1_790_000_000 },
          { agreementId: "older", startTime: 1_780_000_000 },
        ],
      },
    });
    expect(await open().agreementOfLicence(licenceArn)).toMatchObject({ value: { id: "newer" } });
    expect(aws.calls[0]?.body["filters"]).toContainEqual({ name: "LicenseArn", values: [licenceArn] });
    expect(aws.calls[0]?.body["filters"]).toContainEqual({ name: "AgreementType", values: ["PurchaseAgreement"] });
  });

  test("changed agreements come page by page", async () => {
    aws.on(
      "SearchAgreements",
      { body: { agreementViewSummaries: [{ agreementId: "a" }], nextToken: "more" } },
      { body: { agreementViewSummaries: [], nextToken: "" } },
    );
    const since = new Date("2026-11-01T00:00:00Z");
    const api = open();
    expect(await api.changedAgreements(since)).toMatchObject({ value: { agreements: [{ id: "a" }], next: "more" } });
    expect(await api.changedAgreements(since, "more")).toEqual({ kind: "found", value: { agreements: [] } });
    expect(aws.calls[1]?.body).toMatchObject({ nextToken: "more" });
  });

  test("messages are received with their count and settled ten at a time", async () => {
    const queueUrl = `${aws.url}/000000000000/events`;
    aws.on("ReceiveMessage", {
      body: {
        Messages: [
          {
            MessageId: "m1",
            ReceiptHandle: "h1",
            Body: "{}",
            MD5OfBody: "99914b932bd37a50b983c5e7c90ae93b",
            Attributes: { ApproximateReceiveCount: "3", SentTimestamp: "1780000000000" },
          },
        ],
      },
    });
    aws.on("DeleteMessageBatch", (call) => {
      const entries = call.body["Entries"] as { Id: string }[];
      return { body: { Successful: entries.map(({ Id }) => ({ Id })), Failed: [] } };
    });
    const api = open({ queueUrl });
    expect(await api.receive()).toEqual({
      kind: "found",
      value: [{ id: "m1", handle: "h1", body: "{}", received: 3, sentAt: new Date(1_780_000_000_000) }],
    });
    const handles = Array.from({ length: 23 }, (_, n) => `h${n}`);
    expect(await api.settle(handles)).toEqual({ kind: "found", value: 23 });
    expect(aws.calls.filter(({ operation }) => operation === "DeleteMessageBatch")).toHaveLength(3);
  });

  test("a wait for messages ends when its signal does", async () => {
    aws.on("ReceiveMessage", "hang");
    const stop = new AbortController();
    const waiting = open({ queueUrl: `${aws.url}/000000000000/events` }).receive(stop.signal);
    setTimeout(() => stop.abort(), 100);
    expect(await waiting).toMatchObject({ kind: "down" });
  });

  test("nothing that AWS does is asked twice by the SDK itself", async () => {
    aws.on("GetEntitlements", { error: "InternalServiceErrorException", status: 500 });
    expect(await open().entitlements({ productCode: "code" })).toMatchObject({ kind: "down" });
    expect(aws.calls).toHaveLength(1);
  });

  test("the clock's distance is told at answers and at refusals", async () => {
    const seen: number[] = [];
    const date = new Date(Date.now() + 3_600_000);
    aws.on("GetEntitlements", { body: {}, date }, { error: "ThrottlingException", date });
    const api = open({ onSkew: (aheadMs) => seen.push(aheadMs) });
    await api.entitlements({ productCode: "code" });
    await api.entitlements({ productCode: "code" });
    expect(seen.map((aheadMs) => Math.round(aheadMs / 60_000))).toEqual([60, 60]);
  });
});
