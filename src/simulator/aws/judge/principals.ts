import type { Listed, PrincipalList } from "./policy.ts";

/** Who makes a request. */
export interface Principal {
  /** A user's, a role's session's (`…:assumed-role/role/session`), an account's root's; or a service's name. */
  readonly arn: string;
  readonly account: string;
  /** Of a session: the role behind it. */
  readonly role?: string;
}

/**
 * Whether a policy names the caller: by account, by its own ARN, by the role of its session, as a service, or as
 * everybody. Nothing else is a pattern. (IAM user guide, "AWS JSON policy elements: Principal".)
 */
export function isNamed({ entries, negated }: Listed<PrincipalList>, caller: Principal): boolean {
  const { AWS: names = [], Service: services = [] } = entries;
  const named = names.some((name) => isCaller(name, caller)) || services.includes(caller.arn);
  return named !== negated;
}

function isCaller(name: string, { arn, account, role }: Principal): boolean {
  if (name === "*" || name === arn || name === role) return true;
  return name === account || new RegExp(`^arn:aws[a-z-]*:iam::${account}:root$`).test(name);
}
