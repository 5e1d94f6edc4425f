import { awsApi } from "../src/marketplaces/aws/api/aws-api.ts";
import { type FakeAws, fakeAws, testKeys } from "./support/fake-aws.ts";

const licenceArn = "arn:aws:license-manager::123456789012:license:l-0123456789abcdef0123456789abcdef";
const token = "tok+/=en of the buyer";

describe("whose credentials ask AWS", () => {
  let aws: FakeAws;

  beforeEach(async () => {
    aws = await fakeAws();
  });

  afterEach(() => aws.close());

  test("the seller's role is assumed once for every service, and is in no message", async () => {
    aws.on("AssumeRole", { body: assumed() });
    aws.on("GetEntitlements", { error: "AccessDeniedException", message: "not for seller-1 with secret-external-id" });
    aws.on("SearchAgreements", { body: {} });
    const role = { arn: "arn:aws:iam::123456789012:role/seller-1", externalId: "secret-external-id" };
    await withOwnKeys(async () => {
      const api = awsApi({ region: "eu-west-1", endpoint: aws.url, sellerRole: role });
      const [answer] = await Promise.all([
        api.entitlements({ productCode: "code" }),
        api.agreementOfLicence(licenceArn),
        api.entitlements({ productCode: "code" }),
      ]);
      expect(answer).toMatchObject({ kind: "misconfigured", code: "AccessDeniedException" });
      expect(JSON.stringify(answer)).not.toContain("secret-external-id");
    });
    const assumptions = aws.calls.filter(({ operation }) => operation === "AssumeRole");
    expect(assumptions).toHaveLength(1);
    expect(assumptions[0]?.body).toMatchObject({ RoleArn: role.arn, ExternalId: role.externalId });
    expect(aws.calls.at(-1)?.authorization).toContain("Credential=AKIAASSUMED/");
  });

  test("a session near its end is renewed before, and used up while that fails", async () => {
    aws.on("AssumeRole", { body: assumed(4 * 60_000) }, { error: "InternalFailure", status: 500 });
    aws.on("GetEntitlements", { body: {} });
    const role = { arn: "arn:aws:iam::123456789012:role/seller-1" };
    await withOwnKeys(async () => {
      const api = awsApi({ region: "eu-west-1", endpoint: aws.url, sellerRole: role });
      const found = { kind: "found", value: [] };
      expect(await api.entitlements({ productCode: "code" })).toEqual(found);
      expect(await api.entitlements({ productCode: "code" })).toEqual(found);
    });
    const operations = aws.calls.map(({ operation }) => operation);
    expect(operations.filter((operation) => operation === "AssumeRole").length).toBeGreaterThan(1);
    expect(operations.filter((operation) => operation === "GetEntitlements")).toHaveLength(2);
  });

  test("without a session nothing is sent, and it is told as down when that may pass", async () => {
    aws.on("AssumeRole", { error: "InternalFailure", status: 500 });
    const role = { arn: "arn:aws:iam::123456789012:role/seller-1" };
    await withOwnKeys(async () => {
      const api = awsApi({ region: "eu-west-1", endpoint: aws.url, sellerRole: role });
      expect(await api.entitlements({ productCode: "code" })).toMatchObject({
        kind: "down",
        fault: expect.stringContaining("no credentials"),
      });
    });
    expect(aws.calls.map(({ operation }) => operation)).not.toContain("GetEntitlements");
  });

  test("a role that may not be assumed is told as a fault of the settings", async () => {
    const role = { arn: "arn:aws:iam::123456789012:role/seller-1" };
    aws.on("AssumeRole", { error: "AccessDenied", status: 403 });
    await withOwnKeys(async () => {
      const api = awsApi({ region: "eu-west-1", endpoint: aws.url, sellerRole: role });
      expect(await api.resolveCustomer(token)).toMatchObject({ kind: "misconfigured" });
    });
    expect(aws.calls.map(({ operation }) => operation)).toEqual(["AssumeRole"]);
  });

  test("the SDK's own name for an address is read by the SDK", async () => {
    aws.on("GetEntitlements", { body: {} });
    await withEnvironment({ AWS_ENDPOINT_URL_MARKETPLACE_ENTITLEMENT_SERVICE: aws.url }, async () => {
      const api = awsApi({ region: "eu-west-1", keys: testKeys });
      expect(await api.entitlements({ productCode: "code" })).toEqual({ kind: "found", value: [] });
    });
  });
});

const assumed = (
  lastsMs = 3_600_000,
) => `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
  <AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/seller-1/stallholder</Arn><AssumedRoleId>A:B</AssumedRoleId></AssumedRoleUser>
  <Credentials><AccessKeyId>AKIAASSUMED</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
  <Expiration>${new Date(Date.now() + lastsMs).toISOString()}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`;

const withOwnKeys = (work: () => Promise<void>) =>
  withEnvironment({ AWS_ACCESS_KEY_ID: "AKIAOWN", AWS_SECRET_ACCESS_KEY: "own-secret" }, work);

async function withEnvironment(set: Readonly<Record<string, string>>, work: () => Promise<void>): Promise<void> {
  Object.assign(process.env, set);
  try {
    await work();
  } finally {
    for (const name of Object.keys(set)) delete process.env[name];
  }
}
