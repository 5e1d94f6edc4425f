import type {
  AcceptedTerm,
  AgreementViewSummary,
  DescribeAgreementOutput,
  Filter,
  MarketplaceAgreementClient,
} from "@aws-sdk/client-marketplace-agreement";
import type { Caller } from "./call.ts";
import { faultOf } from "./faults.ts";
import { type Fetched, fetched } from "./fetched.ts";
import { allPages } from "./pages.ts";

/** An agreement as AWS's Agreement API tells of it. It only enriches: nothing waits for it. */
export interface Agreement {
  readonly id: string;
  /** The first of the chain of renewals and replacements; its own id where it is the first. */
  readonly initialAgreementId?: string;
  /** `ACTIVE`, `CANCELLED`, `EXPIRED`, `RENEWED`, `REPLACED`, `TERMINATED`, …; "" when AWS does not say. */
  readonly status: string;
  readonly licenceArns: readonly string[];
  readonly productIds: readonly string[];
  readonly accountId?: string;
  readonly start?: Date;
  /** Absent for pay-as-you-go. */
  readonly end?: Date;
  readonly updatedAt?: Date;
  /** What happens at the end: `RENEW`, `REPLACE`, `EXPIRE`. */
  readonly atEnd?: string;
  /** Only from `agreement`: the search does not tell it. */
  readonly freeTrial?: { readonly until?: Date };
}

export interface AgreementPage {
  readonly agreements: readonly Agreement[];
  /** For the next call; absent on the last page. */
  readonly next?: string;
}

const AGREEMENT_MS = 15_000;
const A_PAGE = 50;
const CATALOG = "AWSMarketplace";
const OURS: readonly Filter[] = [
  { name: "PartyType", values: ["Proposer"] },
  { name: "AgreementType", values: ["PurchaseAgreement"] },
];

/** The agreement that a licence belongs to: the newest, should AWS name several. */
export async function findAgreementOfLicence(
  caller: Caller,
  licenceArn: string,
  signal?: AbortSignal,
): Promise<Fetched<Agreement | undefined>> {
  const called = await caller.call({ ms: AGREEMENT_MS, signal }, async (bound) => {
    const found = await searchAll(caller, [{ name: "LicenseArn", values: [licenceArn] }], bound);
    return found.sort((one, other) => startOf(other) - startOf(one))[0];
  });
  return fetched(called);
}

/**
 * One agreement with its licences and its trial. What this seller may not ask beside it is left out; what is only slow
 * makes the whole wait, since half an answer would be kept as the whole.
 */
export async function describeAgreement(
  caller: Caller,
  id: string,
  signal?: AbortSignal,
): Promise<Fetched<Agreement | undefined>> {
  const called = await caller.call({ ms: AGREEMENT_MS, signal }, async (bound) => {
    const sdk = await import("@aws-sdk/client-marketplace-agreement");
    const client = await caller.clients.agreements();
    const described = await client.send(new sdk.DescribeAgreementCommand({ agreementId: id }), { abortSignal: bound });
    const chain = described.initialAgreementId ?? id;
    const [terms, found] = await Promise.all([
      permitted(termsOf(client, id, bound), []),
      permitted(searchAll(caller, [{ name: "InitialAgreementId", values: [chain] }], bound), []),
    ]);
    return fromDescription(
      id,
      described,
      terms,
      found.find((agreement) => agreement.id === id),
    );
  });
  if (called.kind === "refused" && called.code === "ResourceNotFoundException") {
    return { kind: "found", value: undefined };
  }
  return fetched(called);
}

/** A page of what changed after `since`, the oldest change first. (API reference, SearchAgreements.) */
export async function findChangedAgreements(
  caller: Caller,
  since: Date,
  after?: string,
  signal?: AbortSignal,
): Promise<Fetched<AgreementPage>> {
  const filters = [{ name: "AfterLastUpdateTime", values: [since.toISOString()] }];
  const called = await caller.call({ ms: AGREEMENT_MS, signal }, async (bound) => {
    const { items, next } = await searchPage(caller, filters, after, bound);
    return { agreements: items, ...(next === undefined || next === after ? {} : { next }) };
  });
  return fetched(called);
}

const searchAll = (caller: Caller, filters: readonly Filter[], signal: AbortSignal): Promise<Agreement[]> =>
  allPages((after) => searchPage(caller, filters, after, signal));

async function searchPage(caller: Caller, filters: readonly Filter[], after: string | undefined, signal: AbortSignal) {
  const { SearchAgreementsCommand } = await import("@aws-sdk/client-marketplace-agreement");
  const client = await caller.clients.agreements();
  const command = new SearchAgreementsCommand({
    catalog: CATALOG,
    filters: [...OURS, ...filters],
    sort: { sortBy: "LastUpdateTime", sortOrder: "ASCENDING" },
    maxResults: A_PAGE,
    ...(after === undefined ? {} : { nextToken: after }),
  });
  const answer = await client.send(command, { abortSignal: signal });
  const items = (answer.agreementViewSummaries ?? []).flatMap(fromSummary);
  return { items, next: answer.nextToken || undefined };
}

const termsOf = (client: MarketplaceAgreementClient, id: string, signal: AbortSignal): Promise<AcceptedTerm[]> =>
  allPages(async (after) => {
    const { GetAgreementTermsCommand } = await import("@aws-sdk/client-marketplace-agreement");
    const page = after === undefined ? {} : { nextToken: after };
    const answer = await client.send(new GetAgreementTermsCommand({ agreementId: id, ...page }), {
      abortSignal: signal,
    });
    return { items: answer.acceptedTerms ?? [], next: answer.nextToken };
  });

/** Denied is no fault here: a manufacturer may not see all of an agreement that a reseller proposed. */
async function permitted<T>(question: Promise<T>, otherwise: T): Promise<T> {
  return question.catch((thrown: unknown) => {
    const { kind } = faultOf(thrown);
    if (kind === "misconfigured" || kind === "refused") return otherwise;
    throw thrown;
  });
}

type Told = AgreementViewSummary | DescribeAgreementOutput;

function fromSummary(summary: AgreementViewSummary): Agreement[] {
  const { agreementId, lastUpdateTime, endTimeBehaviorType, entitlements = [] } = summary;
  if (agreementId === undefined) return [];
  return [
    {
      ...common(agreementId, summary),
      licenceArns: entitlements.flatMap(({ licenseArn }) => (licenseArn === undefined ? [] : [licenseArn])),
      ...(lastUpdateTime === undefined ? {} : { updatedAt: lastUpdateTime }),
      ...(endTimeBehaviorType === undefined ? {} : { atEnd: endTimeBehaviorType }),
    },
  ];
}

function fromDescription(
  id: string,
  described: DescribeAgreementOutput,
  terms: readonly AcceptedTerm[],
  found: Agreement | undefined,
): Agreement {
  const agreement = common(id, described);
  const trial = terms.flatMap((term) => term.freeTrialPricingTerm ?? [])[0];
  const atEnd = described.endTimeBehavior?.type ?? found?.atEnd;
  return {
    ...agreement,
    licenceArns: found?.licenceArns ?? [],
    ...(found?.updatedAt === undefined ? {} : { updatedAt: found.updatedAt }),
    ...(atEnd === undefined ? {} : { atEnd }),
    ...(trial === undefined ? {} : { freeTrial: trialOf(agreement.start, trial.duration) }),
  };
}

function common(id: string, told: Told): Omit<Agreement, "licenceArns"> {
  const { initialAgreementId, status, acceptor, startTime, endTime, proposalSummary } = told;
  return {
    id,
    status: status ?? "",
    productIds: (proposalSummary?.resources ?? []).flatMap(({ id: product }) =>
      product === undefined ? [] : [product],
    ),
    ...(initialAgreementId === undefined ? {} : { initialAgreementId }),
    ...(acceptor?.accountId === undefined ? {} : { accountId: acceptor.accountId }),
    ...(startTime === undefined ? {} : { start: startTime }),
    ...(isEnd(endTime) ? { end: endTime } : {}),
  };
}

/** Pay-as-you-go has no end; where AWS writes one all the same, it is the year 9999. */
const isEnd = (end: Date | undefined): end is Date => end !== undefined && end.getUTCFullYear() < 9_999;

const DAY_MS = 86_400_000;

/** A trial's length is a number of days, `P14D`. */
function trialOf(start: Date | undefined, duration: string | undefined): { until?: Date } {
  const days = /^P(\d{1,4})D$/.exec(duration ?? "")?.[1];
  if (start === undefined || days === undefined) return {};
  return { until: new Date(start.getTime() + Number(days) * DAY_MS) };
}

const startOf = ({ start }: Agreement): number => start?.getTime() ?? 0;
