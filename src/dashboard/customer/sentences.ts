import { type EventType, isExternal, type LifecycleEvent } from "../../events/events.ts";
import type { CustomerView } from "./view.ts";

type Words = Pick<CustomerView, "product" | "texts" | "plans" | "tenant" | "dimensions">;
type Data = LifecycleEvent["data"];

const sentences: Readonly<Record<EventType, (data: Data, words: Words) => string>> = {
  "provision.requested": (data, words) => `Bought on ${words.texts.title} with the plan ${plan(data["plan"], words)}.`,
  "provision.done": () => "Set up and ready to use.",
  "provision.refused": (data) => `Could not be set up${because(data)}`,
  "plan.change_requested": (data, words) => `A change to the plan ${plan(data["plan"], words)} was asked for.`,
  "plan.changed": (data, words) => `The plan changed from ${plan(data["from"], words)} to ${plan(data["to"], words)}.`,
  "plan.change_refused": (data, words) =>
    `The change to the plan ${plan(data["to"], words)} was refused${because(data)}`,
  "suspend.requested": () => "A suspension was asked for.",
  suspended: (_, { product }) => `Suspended: ${product} refuses the credentials.`,
  "resume.requested": () => "An end of the suspension was asked for.",
  resumed: () => "The suspension is over; the credentials work again.",
  "deprovision.requested": () => "The removal was asked for.",
  deprovisioned: () => "Removed.",
  "credential.issued": (data) =>
    "name" in data ? `The credential ${text(data["name"], "")} was issued.` : "New credentials were issued.",
  "credential.revealed": (data) => `The value of ${text(data["var"], "a config var")} was shown.`,
  "credential.rotated": (_, { product }) => `The rotation is complete: ${product} knows the new credentials.`,
  "credential.revoked": (data) =>
    "name" in data
      ? `The credential ${text(data["name"], "")} ended.`
      : `${text(data["var"], "The old credentials")} ended${"var" in data ? ": one value no longer works." : "."}`,
  "grant.exchanged": (_, { texts }) => `${texts.title} allowed us to keep the config vars up to date.`,
  "grant.lost": (_, { texts }) => `${texts.title} no longer allows us to keep the config vars up to date.`,
  "call.given_up": ({ kind }, { texts }) =>
    `${kind === "usage-alert" ? "Your webhook" : texts.title} could not be told of a change, after many tries.`,
  "usage.soft_limit": (data, words) =>
    `Usage of ${dimension(data, words)} reached 80 % of the plan's limit for the month.`,
  "usage.hard_limit": (data, words) => `Usage of ${dimension(data, words)} reached the plan's limit for the month.`,
  "usage.alert": (data, words) =>
    `Usage of ${dimension(data, words)} reached ${shareOf(data)}${"email" in data ? `; ${text(data["email"], "somebody")} is to be told` : ""}.`,
  "usage.alerts_changed": (data, words) =>
    `The alert at ${shareOf(data)} for ${dimension(data, words)} was ${text(data["what"], "changed")}.`,
  "usage.at_risk": (_, { texts }) => `Some usage has not been taken by ${texts.title} yet.`,
  "usage.conflict": (_, { texts }) => `${texts.title} holds other usage than ours for an hour; we are looking into it.`,
  "usage.lost": () => "Some usage could not be billed and will not be.",
  "limits.changed": () => "The limits of the purchase changed.",
  "database.retained": (data) =>
    `The database is closed; its data are kept until ${text(data["until"], "the grace ends")}.`,
  "database.restored": () => "The data of the database were opened again.",
  "database.removed": () => "The data of the database were removed.",
  "database.moved": () => "The database was moved to what the plan gives, with all its data.",
  "database.move_failed": (data) => `The database stays where it is, and could not be moved${because(data)}`,
  "database.soft_mark": () => "The database has reached 80 % of the plan's storage.",
  "database.hard_mark": () => "The database has reached the plan's storage: new sessions begin read-only.",
  "database.below_marks": () => "The database is below 80 % of the plan's storage again.",
  "aws.connected": (data) => `A role in the AWS account ${text(data["account"], "of the customer")} was connected.`,
  "aws.disconnected": () => "The connection to AWS was ended; its external id is worth nothing any more.",
  "aws.connection_broken": (data) => `The role in AWS can no longer be used${because(data)}`,
  "aws.connection_mended": () => "The role in AWS can be used again.",
  "data.exported": () => "All data were exported.",
  signed_in: () => "Signed in to this dashboard.",
  renamed: (data) => `The ${text(data["what"], "tenant")} was renamed to ${text(data["to"], "another name")}.`,
  "event.given_up": ({ type }) => `Nobody could be told of ${text(type, "an event")}.`,
  "endpoint.disabled": () => "A receiver of events was disabled.",
  "operator.acted": () => "Something was done for this tenant.",
  "operator.viewed": (data) =>
    `Looked at this dashboard as you see it, without seeing any secret${because(data, "reason")}`,
};

/** What happened, in one sentence for the customer. */
export function sentenceOf(event: LifecycleEvent, words: Words): string {
  if (isExternal(event.type)) return text(event.data["title"], event.type);
  const sentence: (typeof sentences)[EventType] | undefined = sentences[event.type];
  // A newer process may write events that this one has no words for yet.
  return sentence?.(event.data, words) ?? event.type;
}

/** Who made it happen. */
export function actorOf({ by, data }: LifecycleEvent, { product, texts, tenant }: Words): string {
  const colon = by.indexOf(":");
  const [kind, name] = colon === -1 ? [by, ""] : [by.slice(0, colon), by.slice(colon + 1)];
  switch (kind) {
    case "customer":
      return name === tenant.id ? "your API key" : text(data["email"], name);
    case "marketplace":
      return text(data["email"], texts.title);
    case "operator":
      return `the team of ${product}`;
    case "product":
      return product;
    default:
      return "automatic";
  }
}

function plan(id: unknown, { plans }: Words): string {
  return plans.find((known) => known.id === id)?.name ?? text(id, "unknown");
}

function dimension(data: Data, { dimensions }: Words): string {
  const id = text(data["dimension"], "a dimension");
  return dimensions[id] ?? id;
}

function shareOf(data: Data): string {
  return `${String(data["percent"])} % of what ${data["of"] === "included" ? "is included" : "the plan allows for the month"}`;
}

function because(data: Data, member = "message"): string {
  const message = text(data[member], "");
  return message === "" ? "." : `: ${message.replace(/[\s.]+$/, "")}.`;
}

function text(value: unknown, otherwise: string): string {
  return typeof value === "string" && value !== "" ? value : otherwise;
}
