import { isResource } from "./arns.ts";
import { holds } from "./conditions.ts";
import { type Context, contextOf } from "./context.ts";
import { isLike, patternOf } from "./pattern.ts";
import { type Listed, type Policy, readPolicy, type Statement } from "./policy.ts";
import { isNamed, type Principal } from "./principals.ts";

export interface AccessRequest {
  readonly principal: Principal;
  /** `service:Action` */
  readonly action: string;
  /** An ARN, or `*` for what has none. */
  readonly resource: string;
  /** Condition keys to their values. */
  readonly context: Readonly<Record<string, string | readonly string[]>>;
}

/** Policy documents as they are attached: each list may hold several, and one Allow among them is enough. */
export interface PolicySet {
  readonly identity: readonly unknown[];
  /** Passed along with AssumeRole; absent = no further limit. */
  readonly session?: readonly unknown[];
}

export interface Decision {
  readonly allowed: boolean;
  readonly because: "allowed" | "explicit deny" | "implicit deny";
  /** The statement that decided, where one did and it has an id. */
  readonly sid?: string;
}

/**
 * What the holder of identity policies may do: an explicit Deny anywhere ends it; otherwise the identity policies and, where
 * there are some, the session policies must both allow. (IAM user guide, "Policy evaluation logic".) Throws
 * `MalformedPolicy`.
 */
export function judgeAccess({ identity, session }: PolicySet, request: AccessRequest): Decision {
  const verdicts = [identity, ...(session === undefined ? [] : [session])].map((documents) => {
    return verdictOf(documents.map(readPolicy), request);
  });
  const decisive =
    verdicts.find(({ because }) => because === "explicit deny") ?? verdicts.find(({ allowed }) => !allowed);
  return decisive ?? verdicts[0] ?? IMPLICIT;
}

/** What a policy on the resource itself, such as a role's trust policy, says of a caller whose own policies allow. */
export function judgeTrust(trust: unknown, request: AccessRequest): Decision {
  return verdictOf([readPolicy(trust)], request);
}

const IMPLICIT: Decision = { allowed: false, because: "implicit deny" };

function verdictOf(policies: readonly Policy[], request: AccessRequest): Decision {
  const context = contextOf(request.context);
  const matching = policies.flatMap(({ statements, variables }) =>
    statements.filter((statement) => applies(statement, request, context, variables)),
  );
  const denying = matching.find(({ effect }) => effect === "Deny");
  if (denying !== undefined) return decided(denying, { allowed: false, because: "explicit deny" });
  const [allowing] = matching;
  return allowing === undefined ? IMPLICIT : decided(allowing, { allowed: true, because: "allowed" });
}

const decided = ({ sid }: Statement, decision: Decision): Decision => ({ ...decision, ...(sid && { sid }) });

/** Every part of the statement has to fit. */
function applies(statement: Statement, request: AccessRequest, context: Context, variables: boolean): boolean {
  const { actions, resources, principals, conditions } = statement;
  const own = variables ? context : undefined;
  return (
    lists(actions, (action) => isLike(patternOf(action, undefined) ?? [], request.action, { ignoreCase: true })) &&
    (principals === undefined || isNamed(principals, request.principal)) &&
    (resources === undefined || lists(resources, (resource) => isMeant(resource, request.resource, own))) &&
    conditions.every((condition) => holds(condition, context, variables))
  );
}

const lists = ({ negated, entries }: Listed, fits: (entry: string) => boolean): boolean =>
  entries.some(fits) !== negated;

/** A resource with a variable that has no value is no resource at all. */
function isMeant(written: string, resource: string, context: Context | undefined): boolean {
  const pattern = patternOf(written, context);
  return pattern !== undefined && isResource(pattern, resource);
}
