import express from "express";
import { apiRoutes } from "../src/api/api.ts";
import { failedAttempts } from "../src/http/failed-attempts.ts";
import { problemAnswer } from "../src/http/problem.ts";
import { DAY, HOUR, MINUTE, testClock } from "./support/clock.ts";
import { closeServers, listen } from "./support/listen.ts";
import { about, closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { newTenant } from "./support/usage.ts";
import { openVendor, posted, roleByHand, type Vendor } from "./support/vending.ts";

const SECRET = "the-product-secret-of-the-tests";
const VENDOR = "993604559884";
const CUSTOMER = "123456789012";
const ROLE = `arn:aws:iam::${CUSTOMER}:role/development-acme-search`;
const EXTERNAL_ID = /^[0-9a-f]{64}$/;

let vendor: Vendor;
let shop: TestProvider;
let url: string;
let tenant: string;
let buyer: string | undefined;

beforeAll(async () => {
  const clock = testClock();
  vendor = await openVendor(clock, { limitMs: 1_500 });
  shop = await testProvider({ aws: vendor.aws, clock, accountOf: async () => buyer });
  const { tokens, catalog } = shop.deps;
  const app = express();
  app.use(
    apiRoutes({ provider: shop, tokens, catalog, clock, productSecret: SECRET, attempts: failedAttempts() }),
    problemAnswer,
  );
  ({ url } = await listen(app));
});

beforeEach(async () => {
  buyer = undefined;
  await vendor.post("/_faults", { aws_sts_throttled: false, aws_sts_slow: false });
  await vendor.follow();
  tenant = await newTenant(shop);
});

afterAll(async () => {
  await closeServers();
  await closeProviders();
  await vendor.close();
});

const command = (id = tenant) => about({ id });
const offer = (id = tenant) => shop.offerAwsConnection(command(id));
const connect = (roleArn = ROLE, id = tenant) => shop.connectAws({ ...command(id), roleArn });
const refusal = (call: Promise<unknown>) =>
  call.then(
    () => "none",
    (fault: { code: string; message: string }) => `${fault.code}: ${fault.message}`,
  );

/** The customer deploys the template that the dashboard gives. */
async function deploy(externalId: string, account = CUSTOMER): Promise<string> {
  const template = await shop.awsTemplate({ id: tenant, plan: "basic" });
  const parameters = { ExternalId: externalId };
  const { roles } = await vendor.post("/_aws/roles", { template: { ...template }, account, parameters });
  return roles[0];
}

const handmade = (name: string, condition?: object, principal = `arn:aws:iam::${VENDOR}:root`) =>
  roleByHand(vendor, { arn: `arn:aws:iam::${CUSTOMER}:role/${name}`, principal, condition });

const is = (externalId: string) => ({ StringEquals: { "sts:ExternalId": externalId } });

const ask = (body: object, bearer = SECRET) => posted(`${url}/v1/aws/connection/credentials`, bearer, body);

const audited = async (): Promise<string[]> => {
  const sql = "select action from audit_entries where chain = $1 and action like 'aws.%' order by sequence";
  return (await shop.look<{ action: string }>(sql, [tenant])).map(({ action }) => action);
};

describe("a connection to a customer's AWS account", () => {
  test("the external id is random, ours, the same until the connection ends, and never comes again", async () => {
    const first = await offer();
    expect(first).toMatchObject({ state: "offered", externalId: expect.stringMatching(EXTERNAL_ID), roleArn: null });
    const offers = await Promise.all([offer(), offer(), offer(await newTenant(shop))]);
    expect(offers.map(({ externalId }) => externalId === first.externalId)).toEqual([true, true, false]);
    await shop.disconnectAws(command());
    await shop.disconnectAws(command());
    expect(await shop.awsConnection(tenant)).toBeUndefined();
    expect((await offer()).externalId).not.toBe(first.externalId);
    const rows = await shop.look("select 1 from aws_connections where external_id = $1 and state = 'ended'", [
      first.externalId,
    ]);
    expect(rows).toHaveLength(1);
    await expect(
      shop.look(
        "insert into aws_connections (external_id, tenant_id, state, created_at) values ($1, $2, 'offered', now())",
        [first.externalId, tenant],
      ),
    ).rejects.toThrow(/aws_connections_pkey/);
  });

  test("the customer deploys the template, pastes the role, and the product gets credentials of it", async () => {
    const { externalId } = await offer();
    expect(await deploy(externalId)).toBe(`arn:aws:iam::${CUSTOMER}:role/qa-acme-search-${tenant}`);
    const arn = `arn:aws:iam::${CUSTOMER}:role/qa-acme-search-${tenant}`;
    expect((await ask({ tenant })).json.code).toBe("aws_not_connected");
    expect(await connect(` ${arn}\n`)).toMatchObject({
      state: "connected",
      roleArn: arn,
      account: CUSTOMER,
      fault: null,
    });
    const { status, json } = await ask({ tenant });
    expect(status).toBe(200);
    const judge = (action: string, resource: string) =>
      vendor.post("/_aws/judge", { access_key_id: json.access_key_id, action, resource });
    expect(await judge("s3:GetObject", "arn:aws:s3:::exports/a")).toMatchObject({ allowed: true, account: CUSTOMER });
    expect(await judge("s3:GetObject", "arn:aws:s3:::other/a")).toMatchObject({ allowed: false });
    expect(await judge("s3:PutObject", "arn:aws:s3:::exports/a")).toMatchObject({ allowed: false });
    expect(await audited()).toEqual(["aws.connected", "aws.assumed"]);
    expect(await shop.events({ id: tenant })).toContain("aws.connected");
  });

  test("the template trusts the vendor's account alone, with the external id alone", async () => {
    const template = JSON.stringify(await shop.awsTemplate({ id: tenant, plan: "basic" }));
    expect(template).toContain(`iam::${VENDOR}:root`);
    expect(JSON.parse(template)).toMatchObject({
      Parameters: {
        ExternalId: { AllowedPattern: "[0-9a-f]{64}" },
        Tenant: { Default: tenant },
        Plan: { Default: "basic" },
      },
      Resources: {
        Role: {
          Properties: {
            Tags: [
              { Key: "TenantID", Value: { Ref: "Tenant" } },
              { Key: "Plan", Value: { Ref: "Plan" } },
              { Key: "Product", Value: "acme-search" },
              { Key: "Environment", Value: "qa" },
            ],
            AssumeRolePolicyDocument: {
              Statement: [{ Condition: is("") && { StringEquals: { "sts:ExternalId": { Ref: "ExternalId" } } } }],
            },
          },
        },
      },
    });
    expect(template).not.toMatch(/AccessKey|"AWS::IAM::User"/);
  });

  test.each([
    ["any external id", (): object => ({ StringLike: { "sts:ExternalId": "*" } }), /with any external id/],
    ["none", (): object | undefined => undefined, /with any external id/],
    [
      "the right one, or none at all",
      (right: string): object => ({ StringEqualsIfExists: { "sts:ExternalId": right } }),
      /without one/,
    ],
  ])("a role that can be assumed with %s is refused, with the reason", async (title, condition, reason) => {
    const { externalId } = await offer();
    const arn = await handmade(`open-${title.length}`, condition(externalId));
    expect(await refusal(connect(arn))).toMatch(/^aws_role_refused: The role lacks the external id condition/);
    expect(await refusal(connect(arn))).toMatch(reason);
    expect(await shop.awsConnection(tenant)).toMatchObject({ state: "offered", roleArn: null });
  });

  test("another tenant's role cannot be used, whoever knows its ARN", async () => {
    const other = await newTenant(shop);
    const theirs = await handmade("theirs", is((await offer(other)).externalId));
    expect(await connect(theirs, other)).toMatchObject({ state: "connected" });
    expect(await refusal(connect(theirs))).toMatch(/^aws_role_refused: AWS does not let us assume the role/);
    expect(await audited()).toEqual(["aws.assume_failed"]);
  });

  test("an external id that was given up opens nothing again", async () => {
    const { externalId } = await offer();
    const arn = await handmade("before", is(externalId));
    await connect(arn);
    await shop.disconnectAws(command());
    expect((await ask({ tenant })).json.code).toBe("aws_not_connected");
    expect(await refusal(connect(arn))).toMatch(/^aws_role_refused/);
    expect(await shop.events({ id: tenant })).toContain("aws.disconnected");
  });

  test("a role of the vendor's own account is refused", async () => {
    await offer();
    expect(await refusal(connect(`arn:aws:iam::${VENDOR}:role/qa-tenant-access`))).toMatch(/vendor's own account/);
  });

  test("the role has to be in the account that bought, where the marketplace knows it", async () => {
    const arn = await handmade("bought", is((await offer()).externalId));
    buyer = "999999999999";
    expect(await refusal(connect(arn))).toBe(
      `aws_role_refused: The role is in the account ${CUSTOMER}; this purchase is bound to the account 999999999999.`,
    );
    buyer = CUSTOMER;
    expect(await refusal(connect(arn))).toBe("none");
  });

  test("else in the account of the first role that was verified, also after a disconnection", async () => {
    await connect(await handmade("first", is((await offer()).externalId)));
    await shop.disconnectAws(command());
    const { externalId } = await offer();
    const elsewhere = await deploy(externalId, "210987654321");
    expect(await refusal(connect(elsewhere))).toMatch(`bound to the account ${CUSTOMER}`);
    expect(await refusal(connect(await handmade("second", is(externalId))))).toBe("none");
  });

  test("AWS slow or throttling: nothing is kept and nothing is lost", async () => {
    const arn = await handmade("slow", is((await offer()).externalId));
    await vendor.post("/_faults", { aws_sts_throttled: true });
    expect(await refusal(connect(arn))).toMatch(/^aws_unavailable/);
    await vendor.post("/_faults", { aws_sts_throttled: false, aws_sts_slow: { value: 20_000, times: 2 } });
    expect(await refusal(connect(arn))).toMatch(/^aws_unavailable/);
    expect(await shop.awsConnection(tenant)).toMatchObject({ state: "offered" });
    await vendor.post("/_faults", { aws_sts_slow: false });
    expect(await refusal(connect(arn))).toBe("none");
    await vendor.post("/_faults", { aws_sts_throttled: true });
    expect(await refusal(connect(arn))).toMatch(/^aws_unavailable/);
    expect(await shop.awsConnection(tenant)).toMatchObject({ state: "connected" });
    const failed = "aws.assume_failed";
    expect(await audited()).toEqual([failed, failed, "aws.connected", failed]);
  });

  test("what is disconnected while AWS thinks stays disconnected", async () => {
    const arn = await handmade("race", is((await offer()).externalId));
    await vendor.post("/_faults", { aws_sts_slow: { value: 600, times: 1 } });
    const connecting = refusal(connect(arn));
    await new Promise((resolve) => setTimeout(resolve, 250));
    await shop.disconnectAws(command());
    expect(await connecting).toMatch(/^aws_role_refused: The connection was ended meanwhile/);
    expect(await shop.awsConnection(tenant)).toBeUndefined();
  });

  test("credentials of the role are for the product alone, and for a tenant that is active", async () => {
    await connect(await handmade("alone", is((await offer()).externalId)));
    const key = String((await shop.configVars(tenant))["ACME_SEARCH_API_KEY"]);
    expect(await ask({}, key)).toMatchObject({ status: 403, json: { code: "not_permitted" } });
    expect((await ask({ tenant: await newTenant(shop) })).json.code).toBe("aws_not_connected");
    const before = (await ask({ tenant })).json.access_key_id;
    expect((await ask({ tenant })).json.access_key_id).toBe(before);
    await shop.suspend({ ...command(), reason: "Not paid." });
    expect((await ask({ tenant })).json.code).toBe("tenant_suspended");
  });

  test("a role is tried again every day: what broke is shown, what was mended works again", async () => {
    const { externalId } = await offer();
    const arn = await handmade("daily", is(externalId));
    await connect(arn);
    expect(await settled()).toBe("connected");
    await handmade("daily", is("0".repeat(64)));
    expect(await settledNextDay()).toBe("broken");
    expect(await audited()).toEqual(["aws.connected", "aws.assume_failed"]);
    await handmade("daily", is(externalId));
    expect((await ask({ tenant })).json).toMatchObject({
      code: "aws_not_connected",
      detail: expect.stringMatching(/not let us/),
    });
    expect(await shop.awsConnection(tenant)).toMatchObject({
      roleArn: arn,
      fault: expect.stringMatching(/does not let us/),
      checkedAt: shop.clock.now(),
    });
    await handmade("daily");
    expect(await settledNextDay()).toBe("broken");
    expect((await shop.awsConnection(tenant))?.fault).toMatch(/lacks the external id condition/);
    await handmade("daily", is(externalId));
    expect(await settledNextDay()).toBe("connected");
    const events = await shop.events({ id: tenant });
    expect(events.filter((type) => type.startsWith("aws."))).toEqual([
      "aws.connected",
      "aws.connection_broken",
      "aws.connection_mended",
    ]);
  });

  test("while AWS is away a connection stays as it is, and is tried again soon", async () => {
    await connect(await handmade("away", is((await offer()).externalId)));
    shop.clock.advance(DAY + MINUTE);
    await vendor.post("/_faults", { aws_sts_throttled: true });
    expect(await settled()).toBe("connected");
    await vendor.post("/_faults", { aws_sts_throttled: false });
    shop.clock.advance(HOUR);
    await vendor.follow();
    expect(await settled()).toBe("connected");
    expect((await shop.awsConnection(tenant))?.checkedAt).toEqual(shop.clock.now());
  });
});

/** The worker's job until nothing is due. */
async function settled(): Promise<string | undefined> {
  for (let round = 0; round < 20 && (await shop.checkAwsConnections()); round += 1);
  return (await shop.awsConnection(tenant))?.state;
}

async function settledNextDay(): Promise<string | undefined> {
  shop.clock.advance(DAY + MINUTE);
  await vendor.follow();
  return settled();
}
