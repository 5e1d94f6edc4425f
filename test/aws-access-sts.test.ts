import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { Signer } from "@aws-sdk/rds-signer";
import { type AwsSimulation, openAws } from "./support/open-aws.ts";
import { foreign, own, template } from "./support/tenant-role.ts";

const SELLER = "993604559884";
const ROLE = `arn:aws:iam::${SELLER}:role/qa-tenant-access`;
const BUCKET = `arn:aws:s3:::qa-tenants-${SELLER}-us-east-1`;

let aws: AwsSimulation;
let sts: STSClient;

const clientWith = (credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }) =>
  new STSClient({ region: "us-east-1", endpoint: aws.simulator.origin, maxAttempts: 1, credentials });

const asked = (more: object = {}) => ({
  RoleArn: ROLE,
  RoleSessionName: `qa-${own}`,
  DurationSeconds: 900,
  Tags: [{ Key: "TenantID", Value: own }],
  ...more,
});
const assume = (more: object = {}, client = sts) => client.send(new AssumeRoleCommand(asked(more)));
const refusal = (call: Promise<unknown>) =>
  call.then(
    () => "none",
    (fault: Error) => `${fault.name}: ${fault.message}`,
  );
const keysOf = ({ Credentials: given }: Awaited<ReturnType<typeof assume>>) => ({
  accessKeyId: given?.AccessKeyId ?? "",
  secretAccessKey: given?.SecretAccessKey ?? "",
  sessionToken: given?.SessionToken ?? "",
});

beforeAll(async () => {
  aws = await openAws();
  sts = clientWith(aws.simulator.aws.keys);
  const parameters = { VendingPrincipalArn: `arn:aws:iam::${SELLER}:user/simulated`, DatabaseResourceId: "cluster-A1" };
  await aws.post("/_aws/roles", { template: template("cloudformation", "pool"), parameters });
});
afterAll(() => aws.close());

describe("the simulator's STS", () => {
  test("a role that was registered is judged by its trust policy, and the SDK gets credentials", async () => {
    const answer = await assume();
    expect(answer.Credentials?.Expiration?.getTime()).toBeGreaterThan(Date.now());
    expect(answer.AssumedRoleUser?.Arn).toBe(`arn:aws:sts::${SELLER}:assumed-role/qa-tenant-access/qa-${own}`);
    const who = await clientWith(keysOf(answer)).send(new GetCallerIdentityCommand({}));
    expect(who).toMatchObject({ Account: SELLER, Arn: answer.AssumedRoleUser?.Arn });
  });

  test.each([
    ["without the tag", { Tags: [] }, "sts:AssumeRole"],
    [
      "with a tag too many",
      {
        Tags: [
          { Key: "TenantID", Value: own },
          { Key: "Plan", Value: "x" },
        ],
      },
      "sts:TagSession",
    ],
    [
      "with a tag that is no id",
      { RoleSessionName: "qa-x", Tags: [{ Key: "TenantID", Value: "x" }] },
      "sts:TagSession",
    ],
    ["with a tag that goes on", { TransitiveTagKeys: ["TenantID"] }, "sts:TagSession"],
    ["under another name", { RoleSessionName: `qa-${foreign}` }, "sts:AssumeRole"],
  ])("%s it is denied, in AWS's words", async (_title, more, action) => {
    const user = `arn:aws:iam::${SELLER}:user/simulated`;
    expect(await refusal(assume(more))).toBe(
      `AccessDenied: User: ${user} is not authorized to perform: ${action} on resource: ${ROLE}`,
    );
  });

  test("from another account it is denied", async () => {
    const other = clientWith({ accessKeyId: "AKIASIMULATEDPROD001", secretAccessKey: "x" });
    expect(await refusal(assume({}, other))).toMatch(/^AccessDenied: User: arn:aws:iam::110022003300:user/);
  });

  test("a session cannot go on to another role", async () => {
    const session = clientWith(keysOf(await assume()));
    expect(await refusal(assume({}, session))).toMatch(/^AccessDenied/);
  });

  test("a role with an external id wants that one", async () => {
    const arn = "arn:aws:iam::123456789012:role/for-the-vendor";
    const trust = {
      Version: "2012-10-17",
      Statement: {
        Effect: "Allow",
        Principal: { AWS: `arn:aws:iam::${SELLER}:root` },
        Action: "sts:AssumeRole",
        Condition: { StringEquals: { "sts:ExternalId": "right-one" } },
      },
    };
    expect(await aws.post("/_aws/roles", { arn, trust, policies: [] })).toEqual({ roles: [arn] });
    const ask = (ExternalId?: string) => assume({ RoleArn: arn, Tags: [], ...(ExternalId && { ExternalId }) });
    expect(await refusal(ask("right-one"))).toBe("none");
    expect(await refusal(ask("wrong-one"))).toMatch(/^AccessDenied/);
    expect(await refusal(ask())).toMatch(/^AccessDenied/);
  });

  test.each([
    ["a role that is none", { RoleArn: `arn:aws:iam::${SELLER}:user/x` }, "ValidationError"],
    ["a session name with a slash", { RoleSessionName: "a/b" }, "ValidationError"],
    ["too long a time", { DurationSeconds: 50_000 }, "ValidationError"],
    [
      "two tags that differ in case only",
      {
        Tags: [
          { Key: "TenantID", Value: own },
          { Key: "tenantid", Value: own },
        ],
      },
      "ValidationError",
    ],
    ["a policy that is none", { Policy: "{}" }, "MalformedPolicyDocument"],
    [
      "a role that nobody knows, of another account",
      { RoleArn: "arn:aws:iam::123456789012:role/none" },
      "AccessDenied",
    ],
  ])("%s is refused", async (_title, more, name) => {
    expect(await refusal(assume(more))).toMatch(new RegExp(`^${name}`));
  });

  test("what a session may do is judged by the tags it was given with, until it expires", async () => {
    const { accessKeyId: access_key_id } = keysOf(await assume());
    const judge = (tenant: string) =>
      aws.post("/_aws/judge", { access_key_id, action: "s3:GetObject", resource: `${BUCKET}/${tenant}/a` });
    expect(await judge(own)).toMatchObject({ allowed: true, because: "allowed", tags: { TenantID: own } });
    expect(await judge(foreign)).toMatchObject({ allowed: false, because: "implicit deny" });
    await aws.post("/_clock", { advance: "16m" });
    expect(await judge(own)).toMatchObject({ allowed: false, because: "expired" });
    await aws.post("/_clock", { reset: true });
  });

  test("a session policy narrows it", async () => {
    const Policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: { Effect: "Allow", Action: "s3:GetObject", Resource: "*" },
    });
    const { accessKeyId: access_key_id } = keysOf(await assume({ Policy }));
    const judge = (action: string) =>
      aws.post("/_aws/judge", { access_key_id, action, resource: `${BUCKET}/${own}/a` });
    expect([(await judge("s3:GetObject")).allowed, (await judge("s3:PutObject")).allowed]).toEqual([true, false]);
  });

  test("a role or a template that cannot be judged is not taken", async () => {
    const role = { arn: ROLE, trust: { Statement: { Effect: "Maybe" } }, policies: [] };
    expect(await aws.post("/_aws/roles", role)).toMatchObject({ id: "bad_request" });
    const bad = { Resources: { R: { Type: "AWS::IAM::Role", Properties: { RoleName: { "Fn::ImportValue": "x" } } } } };
    expect(await aws.post("/_aws/roles", { template: bad })).toMatchObject({
      message: "Fn::ImportValue is not played here.",
    });
    expect(await aws.post("/_aws/judge", { access_key_id: "ASIANOBODY", action: "a", resource: "b" })).toMatchObject({
      id: "not_found",
    });
  });
});

describe("Aurora, with a token instead of a password", () => {
  const HOST = "db.cluster-x.us-east-1.rds.amazonaws.com";
  const cluster = "cluster-A1";
  const loginOf = (tenant: string) => `qa_${tenant}`;
  const tokenFor = (username: string, credentials: ReturnType<typeof keysOf>) =>
    new Signer({ hostname: HOST, port: 5432, region: "us-east-1", username, credentials }).getAuthToken();
  const login = async (tenant: string, more: { token?: string; cluster?: string } = {}) => {
    const token = more.token ?? (await tokenFor(loginOf(tenant), keysOf(await assume())));
    return aws.post("/_aws/rds/login", { token, user: loginOf(tenant), cluster, ...more });
  };

  test("a tenant's credentials open this tenant's login of this cluster, and no other", async () => {
    expect(await login(own)).toMatchObject({ allowed: true, sid: "ConnectAsOwnLogin" });
    expect(await login(foreign)).toEqual({ allowed: false, because: "implicit deny" });
    expect(await login(own, { cluster: "cluster-B2" })).toEqual({ allowed: false, because: "implicit deny" });
  });

  test("a token is for one login, and cannot be bent to another", async () => {
    const token = await tokenFor(loginOf(own), keysOf(await assume()));
    expect(await login(foreign, { token })).toEqual({ allowed: false, because: `the token is for ${loginOf(own)}` });
    expect(await login(own, { token: token.replace("X-Amz-Expires=900", "X-Amz-Expires=90000") })).toMatchObject({
      because: "a token lives for 15 minutes at most",
    });
    for (const bad of [token.replace("rds-db", "s3"), token.replace("Action=connect", "Action=x"), "a password"])
      expect(await login(own, { token: bad })).toEqual({ allowed: false, because: "this is no token of rds-db" });
    const others = { ...keysOf(await assume()), sessionToken: "of another session" };
    expect(await login(own, { token: await tokenFor(loginOf(own), others) })).toMatchObject({
      because: "these credentials were not given out here",
    });
    expect(await aws.post("/_aws/rds/login", { token })).toMatchObject({ id: "bad_request" });
  });

  test("it ends after a quarter of an hour, and with the credentials that signed it", async () => {
    const credentials = keysOf(await assume({ DurationSeconds: 3600 }));
    const token = await tokenFor(loginOf(own), credentials);
    await aws.post("/_clock", { advance: "16m" });
    expect(await login(own, { token })).toEqual({ allowed: false, because: "the token has expired" });
    await aws.post("/_clock", { reset: true });
    const inTime = await tokenFor(loginOf(own), keysOf(await assume()));
    const soon = new Date(Date.now() + 10 * 60_000).toISOString().replace(/[-:]|\.\d+/g, "");
    const madeLater = inTime.replace(/X-Amz-Date=\w+/, `X-Amz-Date=${soon}`);
    await aws.post("/_clock", { advance: "14m" });
    expect(await login(own, { token: madeLater })).toMatchObject({ allowed: true });
    await aws.post("/_clock", { advance: "2m" });
    expect(await login(own, { token: madeLater })).toMatchObject({ because: "the credentials have expired" });
    await aws.post("/_clock", { reset: true });
  });
});
