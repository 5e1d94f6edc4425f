import { isJsonObject, type JsonObject } from "../../json.ts";
import { prefixOf, type SimulatorManifest } from "../model/manifest.ts";
import type { ProviderReply } from "./provider-call.ts";

/** One thing the provider did wrong; `rule` is its short name. */
export interface Complaint {
  readonly rule: string;
  readonly sentence: string;
}

/** What the platform makes of an answer. `broken`: it cannot go on; `complaints` of the others do no harm. */
export interface Judgement {
  readonly kind: "done" | "later" | "refused" | "broken";
  readonly id: string | undefined;
  readonly config: ReadonlyMap<string, string>;
  /** The provider's own words to the customer. */
  readonly message: string | undefined;
  readonly complaints: readonly Complaint[];
}

const complaint = (rule: string, sentence: string): Complaint => ({ rule, sentence });

export function judgeProvision(manifest: SimulatorManifest, reply: ProviderReply): Judgement {
  const unusable = unusableStatus(reply, [200, 201, 202]) ?? unusableBody(reply);
  if (unusable || reply.status === 422) return withoutBody(reply, unusable);
  const body = reply.json ?? {};
  const id = idIn(body);
  const config = readConfig(manifest, body["config"] ?? {});
  const broken = [...(id === undefined ? [ID_MISSING] : []), ...config.complaints];
  const minor = [...messageComplaints(body), ...drainComplaints(manifest, body)];
  const kind = broken.length > 0 ? "broken" : reply.status === 202 ? "later" : "done";
  return { kind, id, config: config.vars, message: messageIn(body), complaints: [...broken, ...minor] };
}

/** The body of a plan change may be empty. */
export function judgePlanChange(manifest: SimulatorManifest, reply: ProviderReply): Judgement {
  const empty = reply.text.trim() === "";
  const unusable = unusableStatus(reply, [200, 201, 202, 204]) ?? (empty ? undefined : unusableBody(reply));
  if (unusable || reply.status === 422) return withoutBody(reply, unusable);
  const body = reply.json ?? {};
  const config = readConfig(manifest, body["config"] ?? {});
  const kind = config.complaints.length > 0 ? "broken" : "done";
  const complaints = [...config.complaints, ...messageComplaints(body)];
  return { kind, id: undefined, config: config.vars, message: messageIn(body), complaints };
}

/** Any 2xx, and both ways to say that it is not there, mean that it is gone. */
export function judgeDeprovision(reply: ProviderReply): Judgement {
  const unusable = unusableStatus(reply, [200, 201, 202, 204, 404, 410]);
  if (unusable || reply.status === 422) return withoutBody(reply, unusable);
  return { kind: "done", id: undefined, config: new Map(), message: undefined, complaints: [] };
}

/** A refusal, or an answer nothing can be done with. */
function withoutBody(reply: ProviderReply, unusable: Complaint | undefined): Judgement {
  const message = messageIn(reply.json ?? {});
  const base = { id: undefined, config: new Map<string, string>(), message };
  if (unusable) return { ...base, kind: "broken", complaints: [unusable] };
  return { ...base, kind: "refused", complaints: message === undefined ? [REFUSAL_SILENT] : [] };
}

const ID_MISSING = complaint("id_missing", "The answer to the provision has no id.");
const REFUSAL_SILENT = complaint("refusal_without_message", "The refusal (422) has no message for the customer.");

function unusableStatus(reply: ProviderReply, good: readonly number[]): Complaint | undefined {
  if (reply.failure === "time_limit")
    return complaint("time_limit", "The provider did not answer within the time limit.");
  if (reply.failure === "unreachable")
    return complaint("unreachable", "The provider could not be reached or broke off.");
  if (reply.status === 422 || good.includes(reply.status)) return undefined;
  if (reply.status === 401) return complaint("status", "The provider refused our name and password (401).");
  return complaint("status", `The provider answered ${reply.status}, which is neither a success nor a refusal (422).`);
}

function unusableBody(reply: ProviderReply): Complaint | undefined {
  if (reply.json !== undefined || reply.status === 422) return undefined;
  return complaint("body_not_json", `The body of the ${reply.status} is not a JSON object.`);
}

/** A number is tolerated, as the platform's old test suite does. */
function idIn(body: JsonObject): string | undefined {
  const id = body["id"];
  if (typeof id === "number") return String(id);
  return typeof id === "string" && id !== "" ? id : undefined;
}

function messageIn(body: JsonObject): string | undefined {
  const message = body["message"];
  return typeof message === "string" && message !== "" ? message : undefined;
}

function messageComplaints({ message }: JsonObject): readonly Complaint[] {
  const fine = message === undefined || message === null || typeof message === "string";
  return fine ? [] : [complaint("message_not_text", "The message is not a text; the customer will not see it.")];
}

function drainComplaints(manifest: SimulatorManifest, body: JsonObject): readonly Complaint[] {
  if (!manifest.api.requires?.includes("syslog_drain") || typeof body["log_drain_url"] === "string") return [];
  return [
    complaint("log_drain_url_missing", "The manifest requires syslog_drain, but the answer has no log_drain_url."),
  ];
}

/** Config vars as the platform admits them: declared, with the prefix, texts, and URLs that are URLs. */
export function readConfig(manifest: SimulatorManifest, config: unknown) {
  if (!isJsonObject(config)) {
    return {
      vars: new Map<string, string>(),
      complaints: [complaint("config_not_object", "config is not an object.")],
    };
  }
  const entries = Object.entries(config);
  const complaints = entries.flatMap(([name, value]) => configComplaints(manifest, name, value));
  const texts = entries.filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return { vars: new Map(texts), complaints };
}

function configComplaints(manifest: SimulatorManifest, name: string, value: unknown): readonly Complaint[] {
  const prefix = `${prefixOf(manifest)}_`;
  const found: Complaint[] = [];
  if (!manifest.api.config_vars.includes(name)) {
    found.push(complaint("config_undeclared", `The config var ${name} is not declared in the manifest.`));
  }
  if (!name.startsWith(prefix)) {
    found.push(complaint("config_unprefixed", `The config var ${name} does not begin with ${prefix}.`));
  }
  if (typeof value !== "string") {
    found.push(complaint("config_not_text", `The value of the config var ${name} is not a text.`));
  } else if (name.endsWith("_URL") && !isFullUrl(value)) {
    found.push(complaint("config_url_invalid", `The config var ${name} is not a URL with scheme and host.`));
  }
  return found;
}

function isFullUrl(text: string): boolean {
  return URL.canParse(text) && new URL(text).host !== "";
}
