import { type Decision, judgeAccess, judgeTrust } from "../judge/judge.ts";
import type { Principal } from "../judge/principals.ts";
import type { Role } from "./role.ts";

/** What somebody says who wants to assume a role. */
export interface Assumption {
  readonly sessionName: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly transitiveTagKeys: readonly string[];
  readonly externalId: string | undefined;
  /** Session policies. */
  readonly policies: readonly unknown[];
}

/** What AssumeRole gave out. */
export interface RoleSession extends Pick<Assumption, "sessionName" | "tags" | "policies"> {
  readonly role: Role;
  readonly issuedAt: Date;
}

type Context = Readonly<Record<string, string | readonly string[]>>;

/**
 * The first action that the role's trust policy does not let the caller do; undefined when it lets it do all. AssumeRole
 * with tags is AssumeRole and TagSession (IAM user guide, "Pass session tags in AWS STS"). Of the caller's own policies it
 * is taken that they allow it.
 */
export function refusedAction(role: Role, principal: Principal, asked: Assumption): string | undefined {
  const tagged = Object.keys(asked.tags).length > 0;
  const shared = tagContext(asked);
  const steps: readonly (readonly [action: string, context: Context])[] = [
    ["sts:AssumeRole", { ...shared, ...nameContext(asked) }],
    ...(tagged ? [["sts:TagSession", shared] as const] : []),
  ];
  const refused = steps.find(([action, context]) => {
    return !judgeTrust(role.trust, { principal, action, resource: role.arn, context }).allowed;
  });
  return refused?.[0];
}

/** Tag keys are a set; without tags there is no such key. */
function tagContext({ tags, transitiveTagKeys }: Assumption): Context {
  const keys = Object.keys(tags);
  return {
    ...Object.fromEntries(keys.map((key) => [`aws:RequestTag/${key}`, tags[key] ?? ""])),
    ...(keys.length > 0 && { "aws:TagKeys": keys }),
    ...(transitiveTagKeys.length > 0 && { "sts:TransitiveTagKeys": transitiveTagKeys }),
  };
}

function nameContext({ sessionName, externalId }: Assumption): Context {
  return { "sts:RoleSessionName": sessionName, ...(externalId !== undefined && { "sts:ExternalId": externalId }) };
}

/**
 * What a session may do. Its principal tags are the role's, with the session's in their place where the keys are the same
 * but for their case (IAM user guide, "Pass session tags in AWS STS").
 */
export function judgeSession(session: RoleSession, action: string, resource: string, context: Context): Decision {
  const { role, policies, issuedAt } = session;
  const policySet = { identity: role.policies, ...(policies.length > 0 && { session: policies }) };
  const known = { ...principalTags(session), "aws:TokenIssueTime": issuedAt.toISOString(), ...context };
  return judgeAccess(policySet, { principal: principalOf(session), action, resource, context: known });
}

function principalTags({ role, tags }: RoleSession): Context {
  const named = [...Object.entries(role.tags), ...Object.entries(tags)];
  return Object.fromEntries(named.map(([key, value]) => [`aws:PrincipalTag/${key}`.toLowerCase(), value]));
}

export function principalOf({ role, sessionName }: RoleSession): Principal {
  const account = accountOf(role.arn);
  const name = role.arn.slice(role.arn.lastIndexOf("/") + 1);
  return { arn: `arn:aws:sts::${account}:assumed-role/${name}/${sessionName}`, account, role: role.arn };
}

export function accountOf(arn: string): string {
  return arn.split(":")[4] ?? "";
}
