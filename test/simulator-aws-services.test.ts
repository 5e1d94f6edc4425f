import {
  DescribeAgreementCommand,
  GetAgreementEntitlementsCommand,
  GetAgreementTermsCommand,
  SearchAgreementsCommand,
  type SearchAgreementsCommandInput,
} from "@aws-sdk/client-marketplace-agreement";
import {
  GetEntitlementsCommand,
  type GetEntitlementsCommandInput,
} from "@aws-sdk/client-marketplace-entitlement-service";
import { ResolveCustomerCommand } from "@aws-sdk/client-marketplace-metering";
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
} from "@aws-sdk/client-sqs";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { type AwsSimulation, openAws } from "./support/open-aws.ts";

const opened: AwsSimulation[] = [];

async function open(): Promise<AwsSimulation> {
  const aws = await openAws();
  opened.push(aws);
  return aws;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((aws) => aws.close()));
});

const resolve = (token: string) => new ResolveCustomerCommand({ RegistrationToken: token });

describe("ResolveCustomer", () => {
  test("a new product tells account and licence, and no customer identifier", async () => {
    const aws = await open();
    const { token, account, licence } = await aws.buy("subscription");
    const { $metadata: _metadata, ...customer } = await aws.metering.send(resolve(token));
    expect(customer).toEqual({ CustomerAWSAccountId: account, LicenseArn: licence, ProductCode: "payasyougo1" });
    expect(licence).toMatch(/^arn:aws:license-manager::\d{12}:license:l-[0-9a-f]{32}$/);
    expect(token).toMatch(/^(?=.*\+)(?=.*\/)[\w+/]+=*$/);
  });

  test("a legacy product tells the customer identifier, which is the same for the buyer's next agreement", async () => {
    const aws = await open();
    const first = await aws.buy("subscription", { generation: "legacy" });
    await aws.post(`/_aws/purchases/${first.agreement}/cancel`);
    const second = await aws.post(`/_aws/purchases/${first.agreement}/resubscribe`);
    const answer = await aws.metering.send(resolve(second.token));
    expect(answer).toMatchObject({ CustomerIdentifier: first.customer, CustomerAWSAccountId: first.account });
    expect(answer.LicenseArn).toBeUndefined();
    expect(second.agreement).not.toBe(first.agreement);
  });

  test("a token is good for four hours, again and again", async () => {
    const aws = await open();
    const { token, licence } = await aws.buy("subscription");
    await aws.metering.send(resolve(token));
    await aws.post("/_clock", { advance: "239m" });
    expect(await aws.metering.send(resolve(token))).toMatchObject({ LicenseArn: licence });
    await aws.post("/_clock", { advance: "1m" });
    expect(await aws.refusal(aws.metering.send(resolve(token)))).toBe("ExpiredTokenException");
  });

  test("mangled, foreign and expired tokens are told apart", async () => {
    const aws = await open();
    const { token, agreement } = await aws.buy("subscription");
    const made = async (kind: string) => (await aws.post(`/_aws/purchases/${agreement}/token`, { kind })).token;
    expect(await aws.refusal(aws.metering.send(resolve(token.replace("+", " "))))).toBe("InvalidTokenException");
    expect(await aws.refusal(aws.metering.send(resolve(await made("foreign"))))).toBe("InvalidTokenException");
    expect(await aws.refusal(aws.metering.send(resolve(await made("expired"))))).toBe("ExpiredTokenException");
    await aws.post("/_faults", { aws_resolve_throttled: { times: 1 } });
    expect(await aws.refusal(aws.metering.send(resolve(token)))).toBe("ThrottlingException");
  });

  test("the token is never shown whole", async () => {
    const aws = await open();
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
    const aws = await open();
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
    const aws = await open();
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
    const aws = await open();
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
    const aws = await open();
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
    const aws = await open();
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
    const aws = await open();
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
    const aws = await open();
    expect(await aws.refusal(ask(aws, { ProductCode: "nothing" }))).toBe("InvalidParameterException");
    await aws.post("/_faults", { aws_entitlements_down: { times: 1 } });
    expect(await aws.refusal(ask(aws))).toBe("InternalServiceErrorException");
    expect((await ask(aws)).Entitlements).toEqual([]);
  });
});

describe("agreements", () => {
  const search = (
    aws: AwsSimulation,
    filters: Record<string, string>,
    more: Partial<SearchAgreementsCommandInput> = {},
  ) =>
    aws.agreements.send(
      new SearchAgreementsCommand({
        catalog: "AWSMarketplace",
        filters: Object.entries(filters).map(([name, value]) => ({ name, values: [value] })),
        ...more,
      }),
    );
  const ours = { PartyType: "Proposer", AgreementType: "PurchaseAgreement" };
  const idsOf = async (answer: ReturnType<typeof search>) =>
    (await answer).agreementViewSummaries?.map(({ agreementId }) => agreementId);

  test("a renewal and a replacement are new agreements with new licences in one chain", async () => {
    const aws = await open();
    const first = await aws.buy("contract");
    const second = await aws.post(`/_aws/purchases/${first.agreement}/renew`);
    const third = await aws.post(`/_aws/purchases/${second.agreement}/replace`, { quantities: { requests: 9 } });
    expect(new Set([first.licence, second.licence, third.licence]).size).toBe(3);
    const described = await aws.agreements.send(new DescribeAgreementCommand({ agreementId: third.agreement }));
    expect(described).toMatchObject({
      status: "ACTIVE",
      initialAgreementId: first.agreement,
      acceptor: { accountId: first.account },
      endTimeBehavior: { type: "EXPIRE" },
    });
    const chain = await search(aws, { ...ours, InitialAgreementId: first.agreement });
    expect(chain.agreementViewSummaries?.map(({ agreementId, status }) => [agreementId, status])).toEqual([
      [first.agreement, "RENEWED"],
      [second.agreement, "REPLACED"],
      [third.agreement, "ACTIVE"],
    ]);
    expect(await aws.refusal(aws.agreements.send(new DescribeAgreementCommand({ agreementId: "agmt-0" })))).toBe(
      "ResourceNotFoundException",
    );
  });

  test("a licence finds its agreement", async () => {
    const aws = await open();
    const { agreement, licence } = await aws.buy("subscription");
    await aws.buy("subscription");
    const found = await search(aws, { ...ours, LicenseArn: licence });
    expect(found.agreementViewSummaries).toMatchObject([
      { agreementId: agreement, entitlements: [{ licenseArn: licence }] },
    ]);
    expect(found.agreementViewSummaries?.[0]?.endTime).toBeUndefined();
  });

  test("a sweep by last update finds what changed since", async () => {
    const aws = await open();
    await aws.at("2026-05-10T10:00:00Z");
    const old = await aws.buy("subscription");
    const other = await aws.buy("subscription");
    await aws.at("2026-05-10T11:00:00Z");
    await aws.post(`/_aws/purchases/${old.agreement}/cancel`);
    const since = { ...ours, AfterLastUpdateTime: "2026-05-10T10:30:00Z" };
    const sort = { sortBy: "LastUpdateTime", sortOrder: "DESCENDING" } as const;
    expect(await idsOf(search(aws, since))).toEqual([old.agreement]);
    expect(await idsOf(search(aws, ours, { sort }))).toEqual([old.agreement, other.agreement]);
    const first = await search(aws, ours, { sort, maxResults: 1 });
    expect(await idsOf(search(aws, ours, { sort, maxResults: 1, nextToken: first.nextToken }))).toEqual([
      other.agreement,
    ]);
  });

  test("a search without its required filter, or by one that does not exist, is refused", async () => {
    const aws = await open();
    expect(await aws.refusal(search(aws, { PartyType: "Proposer" }))).toBe("ValidationException");
    expect(await aws.refusal(search(aws, { ...ours, Colour: "red" }))).toBe("ValidationException");
    const sort = { sortBy: "LastUpdateTime" };
    expect(await aws.refusal(search(aws, { AgreementType: "PurchaseAgreement" }, { sort }))).toBe(
      "ValidationException",
    );
  });

  test("the terms tell the model, the quantities and a trial", async () => {
    const aws = await open();
    const { agreement } = await aws.buy("contract-with-consumption", { quantities: { requests: 70 }, trial: 30 });
    const { acceptedTerms } = await aws.agreements.send(new GetAgreementTermsCommand({ agreementId: agreement }));
    const dimensions = [
      { dimensionKey: "requests", dimensionValue: 70 },
      { dimensionKey: "documents", dimensionValue: 100 },
    ];
    expect(acceptedTerms).toMatchObject([
      {
        usageBasedPricingTerm: {
          rateCards: [{ rateCard: [{ dimensionKey: "requests" }, { dimensionKey: "documents" }] }],
        },
      },
      { configurableUpfrontPricingTerm: { configuration: { selectorValue: "P12M", dimensions } } },
      { freeTrialPricingTerm: { duration: "P30D" } },
      { renewalTerm: { configuration: { enableAutoRenew: false } } },
      { legalTerm: {} },
    ]);
  });

  test("a resold agreement is not shown to its manufacturer", async () => {
    const aws = await open();
    const { agreement, licence } = await aws.buy("subscription", { resold: true });
    expect(await aws.refusal(aws.agreements.send(new DescribeAgreementCommand({ agreementId: agreement })))).toBe(
      "AccessDeniedException",
    );
    expect(await idsOf(search(aws, { ...ours, LicenseArn: licence }))).toEqual([]);
  });

  test("an entitlement's state follows the licence", async () => {
    const aws = await open();
    await aws.at("2026-05-10T10:00:00Z");
    const { agreement, licence } = await aws.buy("contract", { start: "2026-05-12T00:00:00Z" });
    const state = async () => {
      const command = new GetAgreementEntitlementsCommand({ agreementId: agreement });
      return (await aws.agreements.send(command)).agreementEntitlements?.[0];
    };
    expect(await state()).toMatchObject({
      status: "SCHEDULED",
      licenseArn: licence,
      resource: { id: "prod-contract" },
    });
    await aws.at("2026-05-12T00:00:10Z");
    expect(await state()).toMatchObject({ status: "PROVISIONED" });
    await aws.post(`/_aws/purchases/${agreement}/terminate`);
    expect(await state()).toMatchObject({ status: "DEPROVISIONED", statusReasonCode: "AGREEMENT_INACTIVE" });
  });

  test("an outage is told, and a wrong region is blamed", async () => {
    const aws = await open();
    await aws.post("/_faults", { aws_agreements_down: { times: 1 } });
    expect(await aws.refusal(search(aws, ours))).toBe("InternalServerException");
    expect(await aws.get("/_verdicts")).toEqual([]);
    const { MarketplaceAgreementClient } = await import("@aws-sdk/client-marketplace-agreement");
    const { origin, aws: facts } = aws.simulator;
    const far = new MarketplaceAgreementClient({ endpoint: origin, region: "eu-west-1", credentials: facts.keys });
    await far.send(
      new SearchAgreementsCommand({ filters: [{ name: "AgreementType", values: ["PurchaseAgreement"] }] }),
    );
    expect(await aws.get("/_verdicts")).toMatchObject([{ rule: "aws_region" }]);
  });
});

describe("the queue", () => {
  async function openQueue() {
    const aws = await open();
    await aws.post("/_aws/delivery", { eventbridge: false, sns: false, queue: true });
    const { queueUrl: QueueUrl } = aws.simulator.aws;
    const receive = async (more: object = {}) =>
      (await aws.queue.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, ...more }))).Messages ?? [];
    return { aws, QueueUrl, receive };
  }

  test("a message is hidden once received, comes again, and is gone when deleted", async () => {
    const { aws, QueueUrl, receive } = await openQueue();
    await aws.buy("subscription");
    const first = await receive();
    expect(first.map(({ Body }) => JSON.parse(Body ?? "")["detail-type"])).toEqual([
      "Purchase Agreement Created - Proposer",
      "License Updated - Manufacturer",
    ]);
    expect(await receive()).toEqual([]);
    await aws.post("/_clock", { advance: "30s" });
    const second = await receive();
    expect(second.map(({ MessageId }) => MessageId)).toEqual(first.map(({ MessageId }) => MessageId));
    const [one, two] = second;
    await aws.queue.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: one?.ReceiptHandle }));
    const Entries = [
      { Id: "good", ReceiptHandle: two?.ReceiptHandle },
      { Id: "bad", ReceiptHandle: "made up" },
    ];
    const { Successful, Failed } = await aws.queue.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    expect(Successful).toEqual([{ Id: "good" }]);
    expect(Failed).toMatchObject([{ Id: "bad", Code: "ReceiptHandleIsInvalid" }]);
    await aws.post("/_clock", { advance: "1h" });
    expect(await receive()).toEqual([]);
  });

  test("a receipt of an earlier receive no longer deletes", async () => {
    const { aws, QueueUrl, receive } = await openQueue();
    await aws.buy("subscription");
    const [stale] = await receive();
    await aws.post("/_clock", { advance: "30s" });
    const [fresh] = await receive();
    await aws.queue.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: stale?.ReceiptHandle }));
    const hide = (ReceiptHandle: string | undefined) =>
      aws.queue.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
    expect(await aws.refusal(hide(stale?.ReceiptHandle))).toBe("MessageNotInflight");
    await hide(fresh?.ReceiptHandle);
    expect((await receive()).map(({ MessageId }) => MessageId)).toEqual([fresh?.MessageId]);
  });

  test("a long poll ends when something comes", async () => {
    const { aws, receive } = await openQueue();
    const began = performance.now();
    const waiting = receive({ WaitTimeSeconds: 10 });
    setTimeout(() => void aws.buy("subscription"), 100);
    expect(await waiting).not.toEqual([]);
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test("what is received fifty times and never deleted becomes a dead letter", async () => {
    const { aws, QueueUrl, receive } = await openQueue();
    await aws.buy("subscription");
    for (let round = 0; round < 50; round += 1) expect(await receive({ VisibilityTimeout: 0 })).toHaveLength(2);
    expect(await receive({ VisibilityTimeout: 0 })).toEqual([]);
    const ask = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["RedrivePolicy"] });
    const { Attributes } = await aws.queue.send(ask);
    const { deadLetterTargetArn } = JSON.parse(Attributes?.["RedrivePolicy"] ?? "");
    const found = await aws.queue.send(new GetQueueUrlCommand({ QueueName: deadLetterTargetArn.split(":").at(-1) }));
    const dead = await aws.queue.send(new ReceiveMessageCommand({ QueueUrl: found.QueueUrl, MaxNumberOfMessages: 10 }));
    expect(dead.Messages).toHaveLength(2);
  });

  test("a rule fills it, which is off while events go elsewhere", async () => {
    const { aws, QueueUrl } = await openQueue();
    const { EventBridgeClient, ListRuleNamesByTargetCommand, DescribeRuleCommand } = await import(
      "@aws-sdk/client-eventbridge"
    );
    const { origin, aws: facts } = aws.simulator;
    const rules = new EventBridgeClient({ endpoint: origin, region: "us-east-1", credentials: facts.keys });
    const ask = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] });
    const TargetArn = (await aws.queue.send(ask)).Attributes?.["QueueArn"];
    const { RuleNames } = await rules.send(new ListRuleNamesByTargetCommand({ TargetArn }));
    const describe = () => rules.send(new DescribeRuleCommand({ Name: RuleNames?.[0] }));
    expect(await describe()).toMatchObject({
      State: "ENABLED",
      EventPattern: expect.stringContaining("aws.agreement"),
    });
    await aws.post("/_aws/delivery", { queue: false });
    expect(await describe()).toMatchObject({ State: "DISABLED" });
  });

  test("a long poll ends with nothing when nothing comes", async () => {
    const { receive } = await openQueue();
    expect(await receive({ WaitTimeSeconds: 1 })).toEqual([]);
  });

  test("the queue is found by name and counts its messages; another is not there", async () => {
    const { aws, QueueUrl, receive } = await openQueue();
    await aws.buy("subscription");
    await receive({ MaxNumberOfMessages: 1 });
    const name = QueueUrl.split("/").at(-1);
    expect((await aws.queue.send(new GetQueueUrlCommand({ QueueName: name }))).QueueUrl).toBe(QueueUrl);
    const { Attributes } = await aws.queue.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }));
    expect(Attributes).toMatchObject({ ApproximateNumberOfMessages: "1", ApproximateNumberOfMessagesNotVisible: "1" });
    expect(await aws.refusal(aws.queue.send(new ReceiveMessageCommand({ QueueUrl: `${QueueUrl}-2` })))).toBe(
      "QueueDoesNotExist",
    );
  });
});
