import type { Fault } from "../errors.ts";
import { LOOPBACK } from "./formats.ts";
import { type NamedSetting, type SettingName, settingList } from "./setting-list.ts";

export type GivenSettings = Readonly<Partial<Record<SettingName, string>>>;

/** How every value begins that is committed or made for development, so that production can know it. */
const DEVELOPMENT_PREFIX = "development";
const SHORTEST_SECRET = 16;
const TOKEN_TARGETS: readonly SettingName[] = ["HEROKU_API_URL", "HEROKU_ID_URL", "HEROKU_ADDONS_URL"];
const IDENTITY_PROVIDERS: readonly SettingName[] = ["CONSOLE_OIDC_ISSUER", "CONSOLE_SAML_ENTRY_POINT"];

/** Everything production refuses although its format may be right. Values are never repeated. */
export function productionFaults(given: GivenSettings): Fault[] {
  return settingList.flatMap((setting) =>
    messagesFor(setting, given[setting.name]).map((message) => ({ at: setting.name, message })),
  );
}

function messagesFor(setting: NamedSetting, value: string | undefined): string[] {
  if (value === undefined)
    return setting.production === "required" ? [`is required in production: ${setting.meaning}`] : [];
  if (setting.production === "refused") return ["must not be set in production"];
  return [...secretMessages(setting, value), ...addressMessages(setting.name, value)];
}

function secretMessages(setting: NamedSetting, value: string): string[] {
  if (setting.secret === undefined || setting.name.endsWith("_URL")) return [];
  const parts = value.split(",");
  const messages: string[] = [];
  if (parts.some((part) => part.startsWith(DEVELOPMENT_PREFIX))) {
    messages.push("holds a development value, which anybody can read; make one with `openssl rand -hex 32`");
  }
  if (parts.some((part) => part.length < SHORTEST_SECRET)) {
    messages.push(`is too short: use at least ${SHORTEST_SECRET} characters in production`);
  }
  return messages;
}

function addressMessages(name: SettingName, value: string): string[] {
  if (!URL.canParse(value)) return [];
  const { protocol, hostname } = new URL(value);
  if (protocol !== "http:") return [];
  if (IDENTITY_PROVIDERS.includes(name)) return ["must be https in production: operators are believed on its word"];
  if (LOOPBACK.test(hostname)) return [];
  if (name === "PUBLIC_URL") return ["must be https in production"];
  return TOKEN_TARGETS.includes(name) ? ["must be https in production: tokens are sent to it"] : [];
}
