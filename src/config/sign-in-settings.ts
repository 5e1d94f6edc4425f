import type { Fault } from "../errors.ts";
import type { SettingName, SettingValues } from "./setting-list.ts";

/** An OpenID Connect provider by which operators sign in. */
export interface OidcSettings {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A SAML identity provider by which operators sign in. */
export interface SamlSettings {
  readonly entryPoint: string;
  /** Our own entity id. */
  readonly issuer: string;
  /** In base64; one of them has signed. */
  readonly certificates: readonly string[];
}

const sets = {
  "OpenID Connect": ["CONSOLE_OIDC_ISSUER", "CONSOLE_OIDC_CLIENT_ID", "CONSOLE_OIDC_CLIENT_SECRET"],
  SAML: ["CONSOLE_SAML_ENTRY_POINT", "CONSOLE_SAML_ISSUER", "CONSOLE_SAML_CERT"],
} as const satisfies Readonly<Record<string, readonly SettingName[]>>;

/** A way to sign in is set whole or not at all. */
export function signInFaults(given: Readonly<Partial<Record<SettingName, string>>>): Fault[] {
  return Object.entries(sets).flatMap(([way, names]) => {
    const missing = names.filter((name) => given[name] === undefined);
    if (missing.length === names.length) return [];
    const message = `is missing: the console's sign-in by ${way} needs ${names.join(", ")} together`;
    return missing.map((at) => ({ at, message }));
  });
}

export function oidcSettings(values: SettingValues): OidcSettings | undefined {
  const { CONSOLE_OIDC_ISSUER: issuer, CONSOLE_OIDC_CLIENT_ID: clientId } = values;
  const { CONSOLE_OIDC_CLIENT_SECRET: clientSecret } = values;
  if (issuer === undefined || clientId === undefined || clientSecret === undefined) return undefined;
  return Object.freeze({ issuer, clientId, clientSecret });
}

export function samlSettings(values: SettingValues): SamlSettings | undefined {
  const { CONSOLE_SAML_ENTRY_POINT: entryPoint, CONSOLE_SAML_ISSUER: issuer, CONSOLE_SAML_CERT: certificates } = values;
  if (entryPoint === undefined || issuer === undefined || certificates === undefined) return undefined;
  return Object.freeze({ entryPoint, issuer, certificates });
}
