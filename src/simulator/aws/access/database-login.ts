import type { Aws } from "../model/world.ts";
import { accountOf, judgeSession } from "./assumption.ts";

/** What PostgreSQL on Aurora is given where a password would stand. */
export interface DatabaseLogin {
  readonly token: string;
  readonly user: string;
  /** The cluster's resource id, `cluster-…`. */
  readonly cluster: string;
}

export interface LoginDecision {
  readonly allowed: boolean;
  readonly because: string;
}

const CREDENTIAL = /^([^/]+)\/(\d{8})\/([a-z0-9-]+)\/rds-db\/aws4_request$/;
const SIGNED_AT = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
/** Aurora user guide, "IAM database authentication": a token can be used for 15 minutes. */
const LONGEST_SECONDS = 900;

/**
 * Whether Aurora lets somebody in: a token is a signed address that names one login, good for 15 minutes and not beyond the
 * credentials that signed it. Those have to be allowed `rds-db:connect` on this login of this cluster. As everywhere in the
 * simulator the signature itself is not checked.
 */
export function judgeDatabaseLogin(aws: Aws, { token, user, cluster }: DatabaseLogin): LoginDecision {
  const asked = readToken(token);
  if (typeof asked === "string") return denied(asked);
  if (asked.user !== user) return denied(`the token is for ${asked.user}`);
  const now = aws.clock.now();
  if (asked.endsAt <= now) return denied("the token has expired");
  const given = aws.state.sessions.get(asked.key);
  if (given === undefined || given.token !== asked.sessionToken)
    return denied("these credentials were not given out here");
  if (given.expiresAt <= now) return denied("the credentials have expired");
  const { session } = given;
  const resource = `arn:aws:rds-db:${asked.region}:${accountOf(session.role.arn)}:dbuser:${cluster}/${user}`;
  return judgeSession(session, "rds-db:connect", resource, {});
}

interface Token {
  readonly key: string;
  readonly region: string;
  readonly sessionToken: string;
  readonly user: string;
  readonly endsAt: Date;
}

function readToken(token: string): Token | string {
  const fields = new URLSearchParams(token.slice(token.indexOf("?") + 1));
  const field = (name: string): string => fields.get(name) ?? "";
  const [, key, , region] = CREDENTIAL.exec(field("X-Amz-Credential")) ?? [];
  const [, ...signedAt] = SIGNED_AT.exec(field("X-Amz-Date")) ?? [];
  const seconds = Number(field("X-Amz-Expires"));
  if (field("Action") !== "connect" || key === undefined || region === undefined || signedAt.length === 0)
    return "this is no token of rds-db";
  if (!(seconds > 0 && seconds <= LONGEST_SECONDS)) return "a token lives for 15 minutes at most";
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = signedAt.map(Number);
  const endsAt = new Date(Date.UTC(year, month - 1, day, hour, minute, second + seconds));
  const sessionToken = field("X-Amz-Security-Token");
  return { key, region, sessionToken, user: field("DBUser"), endsAt };
}

const denied = (because: string): LoginDecision => ({ allowed: false, because });
