import { asJsonObject, type JsonObject, textIn } from "../../json.ts";
import type { Agreement } from "../model/agreement.ts";
import { isOurs } from "../model/agreements.ts";
import type { Aws } from "../model/world.ts";
import { type AwsError, awsError } from "../wire/answers.ts";
import { agreementSummary, endTimeBehavior } from "./views.ts";

type Test = (agreement: Agreement, value: string) => boolean;

const before = (instant: Date | null, value: string): boolean => instant !== null && instant < new Date(value);
/** Pay as you go has no end: it ends after any date. */
const after = (instant: Date | null, value: string): boolean => instant === null || instant > new Date(value);

const FILTERS: Readonly<Record<string, Test>> = {
  ResourceIdentifier: ({ product }, value) => product.id === value,
  ResourceType: (_agreement, value) => value === "SaaSProduct",
  AcceptorAccountId: ({ account }, value) => account === value,
  OfferId: ({ offerId }, value) => offerId === value,
  Status: ({ status }, value) => status === value,
  AgreementType: (_agreement, value) => value === "PurchaseAgreement",
  /** Whatever this seller is party to, it has proposed. */
  PartyType: (_agreement, value) => value === "Proposer",
  InitialAgreementId: ({ initialId }, value) => initialId === value,
  LicenseArn: ({ licenceArn }, value) => licenceArn === value,
  EndTimeBehaviorType: (agreement, value) => endTimeBehavior(agreement)?.type === value,
  EndTimeBehaviorReasonCode: (agreement, value) => endTimeBehavior(agreement)?.reasonCode === value,
  BeforeEndTime: ({ endsAt }, value) => before(endsAt, value),
  AfterEndTime: ({ endsAt }, value) => after(endsAt, value),
  BeforeStartTime: ({ startsAt }, value) => before(startsAt, value),
  AfterStartTime: ({ startsAt }, value) => after(startsAt, value),
  BeforeLastUpdateTime: ({ updatedAt }, value) => before(updatedAt, value),
  AfterLastUpdateTime: ({ updatedAt }, value) => after(updatedAt, value),
};

const SORT_KEYS: Readonly<Record<string, (agreement: Agreement) => number>> = {
  EndTime: ({ endsAt }) => endsAt?.getTime() ?? Number.MAX_SAFE_INTEGER,
  StartTime: ({ startsAt }) => startsAt.getTime(),
  LastUpdateTime: ({ updatedAt }) => updatedAt.getTime(),
};

interface Filter {
  readonly name: string;
  readonly values: readonly string[];
}

/** The agreements that this seller proposed and that pass every filter, in the order asked for. */
export function searchAgreements({ state }: Aws, body: JsonObject): { readonly summaries: JsonObject[] } | AwsError {
  const filters = readFilters(body["filters"]);
  const sort = asJsonObject(body["sort"]);
  const fault = filterFault(filters) ?? sortFault(sort, filters);
  if (fault !== undefined) return awsError("ValidationException", fault);
  const keyOf = SORT_KEYS[textIn(sort, "sortBy") ?? "EndTime"] ?? (() => 0);
  const direction = sort["sortOrder"] === "DESCENDING" ? -1 : 1;
  const found = state.agreements.all().filter((agreement) => isOurs(agreement) && passes(agreement, filters));
  found.sort((a, b) => direction * (keyOf(a) - keyOf(b)));
  return { summaries: found.map(agreementSummary) };
}

function readFilters(written: unknown): readonly Filter[] {
  const list = Array.isArray(written) ? written.map(asJsonObject) : [];
  return list.map((filter) => ({
    name: textIn(filter, "name") ?? "",
    values: Array.isArray(filter["values"]) ? filter["values"].map(String) : [],
  }));
}

function filterFault(filters: readonly Filter[]): string | undefined {
  const names = filters.map(({ name }) => name);
  const unknown = names.find((name) => !Object.hasOwn(FILTERS, name));
  if (unknown !== undefined) return `The filter ${unknown} is not supported.`;
  if (new Set(names).size < names.length) return "A filter's name may be used once.";
  if (filters.some(({ values }) => values.length === 0)) return "A filter needs a value.";
  if (!names.includes("AgreementType")) return "The filter AgreementType is required.";
  const badTime = filters.some(
    ({ name, values }) => /Time$/.test(name) && values.some((value) => Number.isNaN(new Date(value).getTime())),
  );
  return badTime ? "A filter's time is not in ISO 8601." : undefined;
}

/** Other orders than by EndTime are for proposers that say they are. */
function sortFault(sort: JsonObject, filters: readonly Filter[]): string | undefined {
  const { sortBy = "EndTime", sortOrder = "ASCENDING" } = sort;
  if (typeof sortBy !== "string" || !Object.hasOwn(SORT_KEYS, sortBy)) return "sortBy is not supported.";
  if (sortOrder !== "ASCENDING" && sortOrder !== "DESCENDING") return "sortOrder is not supported.";
  const proposer = filters.some(({ name, values }) => name === "PartyType" && values.includes("Proposer"));
  return sortBy === "EndTime" || proposer ? undefined : `sortBy ${sortBy} needs the filter PartyType Proposer.`;
}

function passes(agreement: Agreement, filters: readonly Filter[]): boolean {
  return filters.every(({ name, values }) => values.some((value) => FILTERS[name]?.(agreement, value) ?? false));
}
