import { MalformedPolicy, readPolicy } from "../judge/policy.ts";

/** A role of some account, with policies that are judged as they stand. */
export interface Role {
  readonly arn: string;
  readonly trust: unknown;
  readonly policies: readonly unknown[];
  readonly tags: Readonly<Record<string, string>>;
}

const ARN = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/;

/** Whether the ARN is a role's and every policy can be judged. */
export function isRole({ arn, trust, policies }: Pick<Role, "arn" | "trust" | "policies">): boolean {
  return ARN.test(arn) && [trust, ...policies].every(isPolicy);
}

function isPolicy(document: unknown): boolean {
  try {
    readPolicy(document);
    return true;
  } catch (fault) {
    if (fault instanceof MalformedPolicy) return false;
    throw fault;
  }
}
