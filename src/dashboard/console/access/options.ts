import type { FailedAttempts } from "../../../http/failed-attempts.ts";
import type { ConsoleParts } from "../parts.ts";
import type { OperatorSessions } from "./sessions.ts";

export interface OidcSettings {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** How long one call may take. */
  readonly seconds?: number;
}

export interface SamlSettings {
  readonly entryPoint: string;
  /** Our own entity id. */
  readonly issuer: string;
  /** In base64; one of them has signed. */
  readonly certificates: readonly string[];
}

/** Who vouches for operators. */
export interface Identities {
  readonly oidc?: OidcSettings | undefined;
  readonly saml?: SamlSettings | undefined;
}

/** What the pages before the sign-in stand on. */
export interface SignInOptions extends Identities {
  readonly parts: ConsoleParts;
  readonly sessions: OperatorSessions;
  readonly attempts: FailedAttempts;
}
