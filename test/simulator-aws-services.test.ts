import {
  GetEntitlementsCommand,
  type GetEntitlementsCommandInput,
} from "@aws-sdk/client-marketplace-entitlement-service";
import { ResolveCustomerCommand } from "@aws-sdk/client-marketplace-metering";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { type AwsSimulation, closeAws, openAws } from "./support/open-aws.ts";

afterEach(closeAws);

const resolve = (token: string) => new ResolveCustomerCommand({ RegistrationToken: token });

describe("ResolveCustomer", () => {
  test("a new product tells account and licence, and no customer identifier", async () => {
    const aws = await openAws();
    const { token, account, licence } = await aws.buy("subscription");
    const { $metadata: _metadata, ...customer } = await aws.metering.send(resolve(token));
    expect(customer).toEqual({ CustomerAWSAccountId: account, LicenseArn: licence, ProductCode: "payasyougo1" });
    expect(licence).toMatch(/^arn:aws:license-manager::\d{12}:license:l-[0-9a-f]{32}$/);
    expect(token).toMatch(/^(?=.*\+)(?=.*\/)[\w+/]+=*$/);
  });

  test("a legacy product tells the customer identifier, which is the same for the buyer's next agreement", async () => {
    const aws = await openAws();
    const first = await aws.buy("subscription", { generation: "legacy" });
    await aws.post(`/_aws/purchases/${first.agreement}/cancel`);
    const second = await aws.post(`/_aws/purchases/${first.agreement}/resubscribe`);
    const answer = await aws.metering.send(resolve(second.token));
    expect(answer).toMatchObject({ CustomerIdentifier: first.customer, CustomerAWSAccountId: first.account });
    expect(answer.LicenseArn).toBeUndefined();
    expect(second.agreement).not.toBe(first.agreement);
  });

  test("a token is good for four hours, again and again", async () => {
    const aws = await openAws();
    const { token, licence } = await aws.buy("subscription");
    await aws.metering.send(resolve(token));
    await aws.post("/_clock", { advance: "239m" });
    expect(await aws.metering.send(resolve(token))).toMatchObject({ LicenseArn: licence });
    await aws.post("/_clock", { advance: "1m" });
    expect(await aws.refusal(aws.metering.send(resolve(token)))).toBe("ExpiredTokenException");
  });

  test("mangled, foreign and expired tokens are told apart", async () => {
    const aws = await openAws();
    const { token, agreement } = await aws.buy("subscription");
    const made = async (kind: string) => (await aws.post(`/_aws/purchases/${agreement}/token`, { kind })).token;
    expect(await aws.refusal(aws.metering.send(resolve(token.replace("+", " "))))).toBe("InvalidTokenException");
    expect(await aws.refusal(aws.metering.send(resolve(await made("foreign"))))).toBe("InvalidTokenException");
    expect(await aws.refusal(aws.metering.send(resolve(await made("expired"))))).toBe("ExpiredTokenException");
    await aws.post("/_faults", { aws_resolve_throttled: { times: 1 } });
    expect(await aws.refusal(aws.metering.send(resolve(token)))).toBe("ThrottlingException");
  });

  test("the token is never shown whole", async () => {
    const aws = await openAws();
    const { token } = await aws.buy("subscription", { register: true });
    await aws.metering.send(resolve(token));
    const shown = JSON.stringify(await aws.get("/_exchanges"));
    expect(shown).toContain("ResolveCustomer");
    expect(shown).not.toContain(token.slice(0, 40));
    expect(shown).not.toContain(encodeURIComponent(token).slice(0, 40));
  });
});

describe("credentials", () => {
  const role = { RoleArn: "arn:aws:iam::993604559884:role/metering", RoleSessionName: "tests" };

  test("an unknown key, a signature for another service and no signature have each their error", async () => {
    const aws = await openAws();
    const { token } = await aws.buy("subscription");
    const stranger = aws.meteringBy({ credentials: { accessKeyId: "AKIANOBODY", secretAccessKey: "x" } });
    expect(await aws.refusal(stranger.send(resolve(token)))).toBe("UnrecognizedClientException");
    const post = async (authorization?: string) => {
      const headers = {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": "AWSMPMeteringService.ResolveCustomer",
        "x-amz-date": "20260510T120000Z",
        ...(authorization !== undefined && { authorization }),
      };
      const answer = await fetch(aws.simulator.origin, { method: "POST", headers, body: "{}" });
      return (await answer.json()).__type;
    };
    const scope = (service: string) =>
      `AWS4-HMAC-SHA256 Credential=AKIASIMULATEDSELLER1/20260510/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=${"0".repeat(64)}`;
    expect(await post()).toBe("com.amazonaws.marketplacemetering#MissingAuthenticationTokenException");
    expect(await post("AWS4-HMAC-SHA256 nonsense")).toMatch(/#IncompleteSignatureException$/);
    expect(await post(scope("metering"))).toMatch(/#InvalidSignatureException$/);
    expect(await post(scope("aws-marketplace"))).toMatch(/#ValidationException$/);
  });

  test("another account is let in by a role and the external id, until the session ends", async () => {
    const aws = await openAws();
    const { token, licence } = await aws.buy("subscription");
    const credentials = { accessKeyId: "AKIASIMULATEDPROD001", secretAccessKey: "x" };
    const outside = aws.meteringBy({ credentials });
    expect(await aws.refusal(outside.send(resolve(token)))).toBe("AccessDeniedException");
    const sts = new STSClient({ endpoint: aws.simulator.origin, region: "us-east-1", credentials, maxAttempts: 1 });
    expect((await sts.send(new GetCallerIdentityCommand({}))).Account).toBe("110022003300");
    expect(await aws.refusal(sts.send(new AssumeRoleCommand(role)))).toBe("AccessDenied");
    const { Credentials: session } = await sts.send(
      new AssumeRoleCommand({ ...role, ExternalId: "the-external-id", DurationSeconds: 900 }),
    );
    const inside = aws.meteringBy({
      credentials: {
        accessKeyId: session?.AccessKeyId,
        secretAccessKey: session?.SecretAccessKey,
        sessionToken: session?.SessionToken,
      },
    });
    expect(await inside.send(resolve(token))).toMatchObject({ LicenseArn: licence });
    await aws.post("/_clock", { advance: "15m" });
    expect(await aws.refusal(inside.send(resolve(token)))).toBe("ExpiredTokenException");
  });

  test("a region without the service says so, and the Date header can be made wrong", async () => {
    const aws = await openAws();
    const { BatchMeterUsageCommand } = await import("@aws-sdk/client-marketplace-metering");
    const nowhere = aws.meteringBy({ region: "xx-nowhere-1" });
    expect(await aws.refusal(nowhere.send(new BatchMeterUsageCommand({ UsageRecords: [] })))).toBe(
      "DisabledApiException",
    );
    await aws.post("/_faults", { aws_clock_skew: { value: 3_600, times: 1 } });
    const answer = await fetch(aws.simulator.origin, {
      method: "POST",
      headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": "AWSMPMeteringService.ResolveCustomer" },
      body: "{}",
    });
    expect(Date.parse(answer.headers.get("date") ?? "") - Date.now()).toBeGreaterThan(3_500_000);
  });
});

describe("GetEntitlements", () => {
  const ask = (aws: AwsSimulation, more: Partial<GetEntitlementsCommandInput> = {}) =>
    aws.entitlements.send(new GetEntitlementsCommand({ ProductCode: "contract1", ...more }));

  test("tells each quantity of a contract with its type, until the contract ends", async () => {
    const aws = await openAws();
    const quantities = { requests: 5_000, documents: 2.5 };
    const { agreement, account, licence, ends_at } = await aws.buy("contract", { quantities });
    const common = {
      ProductCode: "contract1",
      CustomerAWSAccountId: account,
      ExpirationDate: new Date(ends_at),
      LicenseArn: licence,
    };
    expect((await ask(aws)).Entitlements).toEqual([
      { ...common, Dimension: "requests", Value: { IntegerValue: 5_000 } },
      { ...common, Dimension: "documents", Value: { DoubleValue: 2.5 } },
    ]);
    await aws.post(`/_aws/purchases/${agreement}/amend`, { quantities: { requests: 6_000, documents: 0 } });
    expect((await ask(aws)).Entitlements).toMatchObject([{ Dimension: "requests", Value: { IntegerValue: 6_000 } }]);
    await aws.post(`/_aws/purchases/${agreement}/expire`);
    expect((await ask(aws)).Entitlements).toEqual([]);
  });

  test("values of one filter are united, filters are intersected, and the two identities exclude each other", async () => {
    const aws = await openAws();
    const one = await aws.buy("contract");
    const two = await aws.buy("contract", { account: one.account });
    const three = await aws.buy("contract");
    const found = async (Filter: GetEntitlementsCommandInput["Filter"]) =>
      (await ask(aws, { Filter })).Entitlements?.map(({ LicenseArn, Dimension }) => `${LicenseArn} ${Dimension}`);
    const of = (licence: string) => [`${licence} requests`, `${licence} documents`];
    expect(await found({ LICENSE_ARN: [two.licence] })).toEqual(of(two.licence));
    expect(await found({ CUSTOMER_AWS_ACCOUNT_ID: [one.account] })).toEqual([...of(one.licence), ...of(two.licence)]);
    expect(await found({ LICENSE_ARN: [one.licence, three.licence], DIMENSION: ["requests"] })).toEqual([
      `${one.licence} requests`,
      `${three.licence} requests`,
    ]);
    const both = { CUSTOMER_AWS_ACCOUNT_ID: ["1"], CUSTOMER_IDENTIFIER: ["1"] };
    expect(await aws.refusal(found(both))).toBe("InvalidParameterException");
    expect(await aws.refusal(found({ LICENSE_ARN: [] }))).toBe("InvalidParameterException");
  });

  test("pages follow each other, and may be empty and go on", async () => {
    const aws = await openAws();
    for (let bought = 0; bought < 3; bought += 1) await aws.buy("contract");
    await aws.post("/_faults", { aws_empty_pages: { value: 1, times: 1 } });
    const other = await ask(aws);
    expect(other.Entitlements).toEqual([]);
    await aws.post("/_faults", { aws_empty_pages: { value: 2, times: 1 } });
    const sizes: number[] = [];
    let NextToken: string | undefined;
    do {
      const page = await ask(aws, { MaxResults: 4, ...(NextToken !== undefined && { NextToken }) });
      sizes.push(page.Entitlements?.length ?? -1);
      NextToken = page.NextToken;
    } while (NextToken !== undefined && sizes.length < 10);
    expect(sizes).toEqual([0, 0, 4, 2]);
    expect(await aws.refusal(ask(aws, { NextToken: "made-up" }))).toBe("InvalidParameterException");
  });

  test("an unknown product and an outage are told", async () => {
    const aws = await openAws();
    expect(await aws.refusal(ask(aws, { ProductCode: "nothing" }))).toBe("InvalidParameterException");
    await aws.post("/_faults", { aws_entitlements_down: { times: 1 } });
    expect(await aws.refusal(ask(aws))).toBe("InternalServiceErrorException");
    expect((await ask(aws)).Entitlements).toEqual([]);
  });
});
