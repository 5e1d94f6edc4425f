import {
  DescribeAgreementCommand,
  GetAgreementEntitlementsCommand,
  GetAgreementTermsCommand,
  SearchAgreementsCommand,
  type SearchAgreementsCommandInput,
} from "@aws-sdk/client-marketplace-agreement";
import { type AwsSimulation, closeAws, openAws } from "./support/open-aws.ts";

afterEach(closeAws);

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
    const aws = await openAws();
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
    const aws = await openAws();
    const { agreement, licence } = await aws.buy("subscription");
    await aws.buy("subscription");
    const found = await search(aws, { ...ours, LicenseArn: licence });
    expect(found.agreementViewSummaries).toMatchObject([
      { agreementId: agreement, entitlements: [{ licenseArn: licence }] },
    ]);
    expect(found.agreementViewSummaries?.[0]?.endTime).toBeUndefined();
  });

  test("a sweep by last update finds what changed since", async () => {
    const aws = await openAws();
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
    const aws = await openAws();
    expect(await aws.refusal(search(aws, { PartyType: "Proposer" }))).toBe("ValidationException");
    expect(await aws.refusal(search(aws, { ...ours, Colour: "red" }))).toBe("ValidationException");
    const sort = { sortBy: "LastUpdateTime" };
    expect(await aws.refusal(search(aws, { AgreementType: "PurchaseAgreement" }, { sort }))).toBe(
      "ValidationException",
    );
  });

  test("the terms tell the model, the quantities and a trial", async () => {
    const aws = await openAws();
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
    const aws = await openAws();
    const { agreement, licence } = await aws.buy("subscription", { resold: true });
    expect(await aws.refusal(aws.agreements.send(new DescribeAgreementCommand({ agreementId: agreement })))).toBe(
      "AccessDeniedException",
    );
    expect(await idsOf(search(aws, { ...ours, LicenseArn: licence }))).toEqual([]);
  });

  test("an entitlement's state follows the licence", async () => {
    const aws = await openAws();
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
    const aws = await openAws();
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
