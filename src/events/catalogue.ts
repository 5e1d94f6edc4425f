import { z } from "zod";
import type { EventType, ExternalType } from "./events.ts";

export interface EventFacts {
  /** What has happened, in one sentence. */
  readonly means: string;
  /** What is told of it. A member that is not named here is not told. */
  readonly details: z.ZodObject;
  readonly example: Readonly<Record<string, unknown>>;
}

const operation = z.string().describe("The operation that does it");
const plan = z.string().describe("Id of a plan in the catalog");
const message = z.string().describe("Worded for the customer");
const model = z.enum(["pool", "bridge", "silo"]);
const kind = z.string().describe("Kind of the credentials; `all` for each kind");
const endpoint = z.string().describe("Id of the endpoint");
const fault = z.string().describe("What the last attempt came to");
const OPERATION = "0b9d6e0e-5a43-4d0f-a8bb-2f5f1d2f3c11";
const ENDPOINT = "ep_k3jx5q7abcdefghijklmnopqrs";

const facts = (means: string, details: z.ZodRawShape, example: EventFacts["example"]): EventFacts => ({
  means,
  details: z.object(details),
  example,
});

const reached = (mark: string) =>
  facts(
    `Usage of a dimension has reached ${mark} of the plan's limit for the month`,
    {
      dimension: z.string(),
      quantity: z.number().describe("Used so far"),
      limit: z.number(),
      month: z.string().describe("`YYYY-MM`, UTC"),
    },
    { dimension: "requests", quantity: 81_000, limit: 100_000, month: "2026-05" },
  );

const storage = (means: string) =>
  facts(
    means,
    { megabytes: z.number().describe("Stored now"), limit: z.number().describe("Of the plan, in megabytes") },
    { megabytes: 812, limit: 1_000 },
  );

const record = {
  hour: z.string().describe("Its beginning, UTC"),
  dimension: z.string(),
  units: z.number().nullable(),
};
const HELD = { hour: "2026-05-10T10:00:00+00:00", dimension: "requests", units: 1_200 };

const alert = {
  alert: z.string().describe("Id of the alert"),
  dimension: z.string(),
  of: z.enum(["limit", "included"]).describe("The limit for the month, or what contracts include in their period"),
  percent: z.number(),
};
const ALERT = { alert: OPERATION, dimension: "requests", of: "limit", percent: 90 };

/** What a lifecycle event of each type tells the vendor's other systems; the schemas they get are made from this. */
export const eventCatalogue: Readonly<Record<EventType, EventFacts>> = {
  "provision.requested": facts(
    "A purchase has come from a marketplace",
    { plan, region: z.string().nullable() },
    { plan: "basic", region: "us" },
  ),
  "provision.done": facts("The tenant is ready to use", { operation: operation.optional() }, { operation: OPERATION }),
  "provision.refused": facts(
    "The purchase failed for good",
    { operation, message },
    { operation: OPERATION, message: "This region is full." },
  ),
  "plan.change_requested": facts(
    "The customer wants another plan",
    { operation, plan, limits: z.string().optional().describe("JSON of the limits that count in the plan's place") },
    { operation: OPERATION, plan: "premium" },
  ),
  "plan.changed": facts(
    "The tenant has another plan",
    { operation, from: plan, to: plan },
    { operation: OPERATION, from: "basic", to: "premium" },
  ),
  "plan.change_refused": facts(
    "The product has refused the other plan",
    { operation, to: plan, message },
    { operation: OPERATION, to: "premium", message: "Too much is stored for this plan." },
  ),
  "suspend.requested": facts(
    "The tenant is to be suspended",
    { operation, reason: message },
    { operation: OPERATION, reason: "The payment failed." },
  ),
  suspended: facts("Keys of the tenant are refused", { operation }, { operation: OPERATION }),
  "resume.requested": facts("The suspension is to end", { operation }, { operation: OPERATION }),
  resumed: facts("Keys of the tenant work again", { operation }, { operation: OPERATION }),
  "deprovision.requested": facts(
    "The purchase has ended; credentials are dead",
    { operation },
    { operation: OPERATION },
  ),
  deprovisioned: facts("The product has removed the tenant", { operation }, { operation: OPERATION }),
  "credential.issued": facts(
    "New credentials are active",
    { operation, kind, overlap_seconds: z.number().describe("How long the old ones work on") },
    { operation: OPERATION, kind: "all", overlap_seconds: 7_200 },
  ),
  "credential.revealed": facts(
    "Somebody has looked at the value of a config var",
    { var: z.string() },
    { var: "ACME_API_KEY" },
  ),
  "credential.rotated": facts(
    "The product knows the new credentials",
    { operation, kind },
    { operation: OPERATION, kind: "all" },
  ),
  "credential.revoked": facts(
    "Credentials have ended",
    { credential: z.string().optional(), kind, var: z.string().optional() },
    { credential: OPERATION, kind: "api-key", var: "ACME_API_KEY" },
  ),
  "grant.exchanged": facts("The marketplace lets us keep the config vars up to date", {}, {}),
  "grant.lost": facts(
    "The marketplace no longer lets us keep the config vars up to date",
    { reason: z.string() },
    { reason: "invalid_grant" },
  ),
  "call.given_up": facts(
    "A marketplace or the product could not be told something, after all tries",
    { kind: z.string(), attempts: z.number(), fault },
    { kind: "push-config", attempts: 40, fault: "The platform answered 503." },
  ),
  "usage.soft_limit": reached("80 %"),
  "usage.hard_limit": reached("the whole"),
  "usage.alert": facts(
    "Usage has reached a share at which the customer wants to be told; with an e-mail address, your mailer is to write there",
    {
      ...alert,
      quantity: z.number().describe("Used so far"),
      limit: z.number().describe("The whole of which it is a share"),
      since: z.string().describe("When the period began: `YYYY-MM-DD`, UTC"),
      email: z.string().optional().describe("Whom to write to; absent where the customer has a webhook of its own"),
    },
    { ...ALERT, quantity: 90_120, limit: 100_000, since: "2026-05-01", email: "ada@example.com" },
  ),
  "usage.alerts_changed": facts(
    "The customer wants to be told at another share of its usage, or no longer",
    { what: z.enum(["added", "removed"]), ...alert, to: z.enum(["email", "webhook"]) },
    { what: "added", ...ALERT, to: "email" },
  ),
  "usage.at_risk": facts(
    "Usage has not been taken by the marketplace, and its deadline is near",
    { records: z.array(z.object({ ...record, until: z.string() })) },
    { records: [{ ...HELD, until: "2026-05-10T16:00:00+00:00" }] },
  ),
  "usage.conflict": facts(
    "The marketplace holds other usage than ours for an hour",
    { records: z.array(z.object({ ...record, why: z.string(), message: z.string().nullish() })) },
    { records: [{ ...HELD, why: "conflict", message: "DuplicateRecord" }] },
  ),
  "usage.lost": facts(
    "Usage was not billed and will not be",
    { records: z.array(z.object({ ...record, why: z.string(), message: z.string().nullish() })) },
    { records: [{ ...HELD, why: "too_late", message: null }] },
  ),
  "limits.changed": facts(
    "The marketplace entitles the customer to other limits",
    { operation, plan, limits: z.string().describe("JSON of the limits that count in the plan's place") },
    { operation: OPERATION, plan: "basic", limits: '{"requests":200000}' },
  ),
  "database.retained": facts(
    "The tenant's logins are refused; its data are kept for the grace",
    { until: z.string().describe("When they are removed") },
    { until: "2026-05-17T10:00:00.000Z" },
  ),
  "database.restored": facts("Kept data are in use again", {}, {}),
  "database.removed": facts("The tenant's data are gone for good", {}, {}),
  "database.moved": facts(
    "The tenant's data are in another place now; config vars follow",
    { from: model, to: model },
    { from: "pool", to: "silo" },
  ),
  "database.move_failed": facts(
    "The tenant's data stay where they are",
    { from: model, to: model, reason: message },
    { from: "bridge", to: "silo", reason: "The function totals() cannot be carried." },
  ),
  "database.soft_mark": storage("The database has reached 80 % of the plan's storage"),
  "database.hard_mark": storage("The database is full: new sessions can only read"),
  "database.below_marks": storage("The database is below the marks of its storage again"),
  "aws.connected": facts(
    "The customer has connected a role of its AWS account",
    { account: z.string().describe("Number of that account"), role: z.string().describe("ARN") },
    { account: "123456789012", role: "arn:aws:iam::123456789012:role/production-acme-search" },
  ),
  "aws.disconnected": facts(
    "The connection to the customer's AWS account has ended",
    { account: z.string().nullish(), role: z.string().nullish() },
    { account: "123456789012", role: "arn:aws:iam::123456789012:role/production-acme-search" },
  ),
  "aws.connection_broken": facts(
    "The customer's role can no longer be used",
    { reason: message },
    { reason: "AWS does not let us assume the role." },
  ),
  "aws.connection_mended": facts("The customer's role can be used again", {}, {}),
  "data.exported": facts("Somebody has downloaded all data of the tenant from the dashboard", {}, {}),
  signed_in: facts("Somebody has opened the dashboard", { email: z.string() }, { email: "ada@example.com" }),
  renamed: facts(
    "The purchase has another name over there",
    { what: z.string(), from: z.string(), to: z.string() },
    { what: "app", from: "shop-staging", to: "shop" },
  ),
  "event.given_up": facts(
    "An endpoint that takes others has not taken this event, after all tries",
    { endpoint, event: z.string(), type: z.string(), attempts: z.number(), fault },
    { endpoint: ENDPOINT, event: OPERATION, type: "plan.changed", attempts: 10, fault: "It answered 500." },
  ),
  "endpoint.disabled": facts(
    "An endpoint takes nothing any more and was disabled; it keeps what it is owed",
    { endpoint, reason: fault },
    { endpoint: ENDPOINT, reason: "It answered 410." },
  ),
  "operator.acted": facts(
    "An operator has asked for something on the console; what comes of it follows",
    {
      act: z.string().describe("`suspend`, `resume`, `retry`, `rotate`, `change_plan`, `deprovision`, `send_now`"),
      reason: z.string(),
    },
    { act: "suspend", reason: "The last invoice is not paid." },
  ),
  "operator.viewed": facts(
    "An operator looks at the customer's dashboard, read-only; the customer sees that",
    { reason: z.string(), until: z.string().describe("When the view ends") },
    { reason: "A question about usage.", until: "2026-05-10T10:30:00.000Z" },
  ),
};

/** Of everything that other systems have told about a tenant. */
export const externalFacts: EventFacts = facts(
  "One of the vendor's other systems has told something about the tenant",
  {
    source: z.string().describe("Who has told it"),
    id: z.string().describe("Their id of it"),
    public: z.boolean().describe("Whether the customer sees it"),
    title: z.string().nullish(),
    data: z.unknown().optional(),
  },
  { source: "https://desk.example.com", id: "4711", public: true, title: "Ticket 4711 was answered.", data: {} },
);

export function eventFacts(type: EventType | ExternalType): EventFacts {
  return (eventCatalogue as Readonly<Record<string, EventFacts>>)[type] ?? externalFacts;
}

/** Every type of ours. */
export const eventTypes = Object.keys(eventCatalogue) as readonly EventType[];
