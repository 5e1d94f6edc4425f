import { randomBytes } from "node:crypto";
import { ProviderError } from "../../../errors.ts";
import type { Sts } from "../sessions/sts.ts";
import type { RoleVerdict } from "./connection.ts";

const ROLE = /^arn:(?:aws|aws-cn|aws-us-gov):iam::(\d{12}):role\/[\w+=,.@/-]{1,512}$/;
const ACCESS_KEY = /^A[KS]IA[A-Z0-9]{12,}/;
const CHECK_SECONDS = 900;
const SESSION_NAME = "stallholder-check";

/** The account of a role. Throws `request_malformed` with what is wrong with the ARN; it is not repeated. */
export function accountOfRole(roleArn: string): string {
  const account = ROLE.exec(roleArn)?.[1];
  if (account !== undefined) return account;
  throw new ProviderError("request_malformed", `This cannot be used: ${arnFault(roleArn)}`, {
    faults: [{ at: "/role_arn", message: "must be arn:aws:iam::ACCOUNT:role/NAME" }],
  });
}

function arnFault(text: string): string {
  if (text === "") return "the ARN of the role is missing.";
  if (ACCESS_KEY.test(text))
    return "it is an access key. We never ask for one: delete it in AWS, and paste the ARN of the role.";
  if (/:user\//.test(text))
    return "it is the ARN of a user. Paste the one of the role, arn:aws:iam::ACCOUNT:role/NAME.";
  if (/:assumed-role\//.test(text))
    return "it is the ARN of a session. Paste the one of the role, arn:aws:iam::ACCOUNT:role/NAME.";
  return "it is not the ARN of a role, arn:aws:iam::ACCOUNT:role/NAME.";
}

/** What a role is held to. */
export interface RoleCheck {
  readonly roleArn: string;
  readonly externalId: string;
  /** The account whose roles alone may be named, where one is known. */
  readonly boundAccount: string | undefined;
}

/**
 * Assumes the role as the product would, with the external id; then with another and with none, which must be denied: a role
 * that does not ask for its external id would let any customer have us use it, who knows its ARN (IAM user guide, "The
 * confused deputy problem"). Throws `request_malformed`, and what `Sts` throws.
 */
export async function verifyRole(sts: Sts, { roleArn, externalId, boundAccount }: RoleCheck): Promise<RoleVerdict> {
  const account = accountOfRole(roleArn);
  if (boundAccount !== undefined && account !== boundAccount)
    return refused(`The role is in the account ${account}; this purchase is bound to the account ${boundAccount}.`);
  const vendor = await sts.account();
  if (account === vendor) return refused("The role is in the vendor's own account. It has to be in yours.");
  const isOpen = async (id?: string): Promise<boolean> => {
    const asked = { roleArn, sessionName: SESSION_NAME, seconds: CHECK_SECONDS };
    return (await sts.assume({ ...asked, ...(id !== undefined && { externalId: id }) })).kind === "assumed";
  };
  if (!(await isOpen(externalId)))
    return refused(
      `AWS does not let us assume the role. Its trust policy has to name the account ${vendor} and the external id shown here; a new role takes up to a minute.`,
    );
  if (await isOpen(randomBytes(32).toString("hex")))
    return refused(
      "The role lacks the external id condition: it can be assumed with any external id. Use the template.",
    );
  if (await isOpen())
    return refused("The role lacks the external id condition: it can be assumed without one. Use the template.");
  return { kind: "good", account };
}

const refused = (reason: string): RoleVerdict => ({ kind: "refused", reason });
