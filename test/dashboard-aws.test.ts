import { testClock } from "./support/clock.ts";
import { about } from "./support/provider.ts";
import { openVendor, type Vendor } from "./support/vending.ts";
import { type Customer, enterStage, leaveStage, type Stage } from "./support/visitor.ts";

const ROLE = "arn:aws:iam::123456789012:role/for-acme";
const TEMPLATE_URL = "https://acme-templates.s3.eu-west-1.amazonaws.com/acme-search.json";

let vendor: Vendor;
let stage: Stage;
let visitor: Customer;

beforeAll(async () => {
  const clock = testClock();
  vendor = await openVendor(clock, { limitMs: 1_500 });
  stage = await enterStage({ aws: vendor.aws, clock }, TEMPLATE_URL);
});

beforeEach(async () => {
  visitor = await stage.customer();
});

afterAll(async () => {
  await leaveStage();
  await vendor.close();
});

const page = async () => (await visitor.get("/dashboard")).text;
const card = async () => /<section class="card" id="aws".*?<\/section>/s.exec(await page())?.[0] ?? "";
const externalIdOf = (text: string) => /<code data-copy>([0-9a-f]{64})</.exec(text)?.[1] ?? "";

/** The customer makes the role, as the template would. */
async function makeRole(externalId: string, operator = "StringEquals"): Promise<void> {
  const Condition = { [operator]: { "sts:ExternalId": externalId } };
  const statement = {
    Effect: "Allow",
    Principal: { AWS: "arn:aws:iam::993604559884:root" },
    Action: "sts:AssumeRole",
    Condition,
  };
  await vendor.post("/_aws/roles", { arn: ROLE, trust: { Version: "2012-10-17", Statement: statement }, policies: [] });
}

describe("the AWS card", () => {
  test("is not there where the product has nothing of AWS", async () => {
    const plain = await enterStage();
    const customer = await plain.customer();
    expect((await customer.get("/dashboard")).text).not.toContain('id="aws"');
    expect((await customer.post("/dashboard/aws/offer")).status).toBe(403);
    expect((await customer.get("/dashboard/aws/template.json")).status).toBe(403);
  });

  test("says where credentials are had, and gives out no external id by being looked at", async () => {
    const text = await card();
    expect(text).toContain("ACME_SEARCH_AWS_CREDENTIALS_URL");
    expect(text).toContain("Connect an AWS account");
    expect(externalIdOf(text)).toBe("");
    expect(await stage.shop.awsConnection(visitor.tenant.id)).toBeUndefined();
  });

  test("has a line among the credentials, with when they were given out last; a role of the customer's is none", async () => {
    const line = async () =>
      /<code>ACME_SEARCH_AWS_CREDENTIALS_URL<\/code><span class="quiet">.*?<\/tr>/s.exec(await page())?.[0] ?? "";
    expect(await line()).toMatch(/Temporary credentials of AWS.*not lately.*rotate <code>ACME_SEARCH_API_KEY<\/code>/s);
    await visitor.post("/dashboard/aws/offer");
    await makeRole(externalIdOf(await card()));
    await visitor.post("/dashboard/aws/connect", { role_arn: ROLE });
    await stage.shop.connectedCredentials(about(visitor.tenant));
    expect(await line()).toContain("not lately");
    await stage.shop.awsCredentials(about(visitor.tenant));
    const at = stage.shop.clock.now().toISOString();
    stage.shop.clock.advance(5 * 60_000);
    expect(await line()).toMatch(new RegExp(`<time datetime="${at}">5 minutes ago`, "i"));
  });

  test("leads from the offer to the connection and to its end", async () => {
    expect(await visitor.post("/dashboard/aws/offer")).toMatchObject({
      status: 303,
      headers: { location: "/dashboard?done=aws-offered" },
    });
    const offered = await card();
    const externalId = externalIdOf(offered);
    expect(offered).toContain("Waiting for the role");
    const link = /href="(https:\/\/console[^"]+)"/.exec(offered)?.[1]?.replaceAll("&amp;", "&") ?? "";
    expect(Object.fromEntries(new URLSearchParams(link.split("?")[1]))).toEqual({
      templateURL: TEMPLATE_URL,
      stackName: `production-acme-search-${visitor.tenant.id}`,
      param_ExternalId: externalId,
      param_Tenant: visitor.tenant.id,
      param_Plan: visitor.tenant.plan,
    });

    await makeRole(externalId);
    expect(await visitor.post("/dashboard/aws/connect", { role_arn: ROLE })).toMatchObject({
      status: 303,
      headers: { location: "/dashboard?done=aws-connected" },
    });
    const connected = await card();
    expect(connected).toContain('<strong class="badge good">Connected</strong>');
    expect(connected).toContain(ROLE);
    expect((await visitor.get("/dashboard?done=aws-connected")).text).toContain("The role was tried and is connected");
    expect(await page()).toContain("A role in the AWS account 123456789012 was connected.");

    expect((await visitor.post("/dashboard/aws/disconnect")).status).toBe(303);
    expect(await card()).toContain("Connect an AWS account");
    await visitor.post("/dashboard/aws/offer");
    expect(externalIdOf(await card())).not.toBe(externalId);
  });

  test("a role that is refused is said beside the field, which keeps what was pasted", async () => {
    await visitor.post("/dashboard/aws/offer");
    await makeRole("*", "StringLike");
    const answer = await visitor.post("/dashboard/aws/connect", { role_arn: ROLE });
    expect(answer.status).toBe(422);
    expect(answer.text).toMatch(
      /<p class="notice bad" id="aws-refused" role="alert">The role lacks the external id condition/,
    );
    expect(answer.text).toContain(`value="${ROLE}"`);
    expect(answer.text).toContain('aria-describedby="aws-refused"');
    expect((await visitor.post("/dashboard/aws/connect", { role_arn: '"><script>' })).text).not.toContain('<script>"');
  });

  test("an access key is not asked for, and not shown again", async () => {
    await visitor.post("/dashboard/aws/offer");
    const answer = await visitor.post("/dashboard/aws/connect", { role_arn: "AKIAIOSFODNN7EXAMPLE" });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain("We never ask for one");
    expect(answer.text).not.toContain("AKIA");
  });

  test("AWS away is said in place, and nothing is lost", async () => {
    await visitor.post("/dashboard/aws/offer");
    await vendor.post("/_faults", { aws_sts_throttled: true });
    const answer = await visitor.post("/dashboard/aws/connect", { role_arn: ROLE });
    await vendor.post("/_faults", { aws_sts_throttled: false });
    expect(answer.status).toBe(503);
    expect(answer.text).toContain("AWS gave no answer in time");
  });

  test("the template is a download with the vendor's account in it, and no external id", async () => {
    const { headers, text } = await visitor.get("/dashboard/aws/template.json");
    expect(headers["content-disposition"]).toBe("attachment; filename=acme-search-role.template.json");
    expect(text).toContain("993604559884:root");
    expect(text).not.toMatch(/[0-9a-f]{64}/);
  });

  test("a broken connection is shown with its reason", async () => {
    await visitor.post("/dashboard/aws/offer");
    const externalId = externalIdOf(await card());
    await makeRole(externalId);
    await visitor.post("/dashboard/aws/connect", { role_arn: ROLE });
    await makeRole("0".repeat(64));
    stage.shop.clock.advance(25 * 3_600_000);
    await stage.shop.checkAwsConnections();
    visitor = { ...visitor, ...(await stage.visit(visitor.tenant)) };
    const text = await card();
    expect(text).toContain('<strong class="badge bad">Broken</strong>');
    expect(text).toContain("AWS does not let us assume the role.");
    expect(text).toContain(`value="${ROLE}"`);
  });

  test("each of its forms carries the token of the session, and does nothing without it", async () => {
    await visitor.post("/dashboard/aws/offer");
    const token = await visitor.token();
    const forms = (await card()).match(/<form.*?<\/form>/gs) ?? [];
    expect(forms).toHaveLength(2);
    for (const form of forms) expect(form).toContain(`name="csrf_token" value="${token}"`);
    const before = await stage.shop.awsConnection(visitor.tenant.id);
    for (const action of ["offer", "connect", "disconnect"])
      expect((await visitor.post(`/dashboard/aws/${action}`, { csrf_token: "x", role_arn: ROLE })).status).toBe(403);
    expect(await stage.shop.awsConnection(visitor.tenant.id)).toEqual(before);
  });

  test("a suspended tenant connects nothing, and may disconnect", async () => {
    await visitor.post("/dashboard/aws/offer");
    await stage.shop.suspend({ ...about(visitor.tenant), reason: "Not paid." });
    expect((await visitor.post("/dashboard/aws/connect", { role_arn: ROLE })).status).toBe(403);
    expect((await visitor.post("/dashboard/aws/disconnect")).status).toBe(303);
    expect(await stage.shop.awsConnection(visitor.tenant.id)).toBeUndefined();
  });
});
