import type { RoleVerdict } from "../connections/connection.ts";
import { accountOfRole } from "../connections/verify-role.ts";
import type { Assumption, Sts } from "../sessions/sts.ts";
import { TENANT_TAG } from "../templates/statement.ts";

/** What the role of one tenant is held to. */
export interface TenantRoleCheck {
  readonly tenant: string;
  /** An id that is no tenant's. */
  readonly stranger: string;
  readonly roleArn: string;
  /** The account that it has to be in, where somebody named one. */
  readonly account: string | undefined;
}

const CHECK_SECONDS = 900;

/**
 * Assumes the role with the tenant's tag; then with another tenant's and with none, which must be denied: the role of a silo
 * opens one tenant's data whatever the tag says, so its trust policy is the wall. Throws `request_malformed` for what is no
 * role, and what `Sts` throws.
 */
export async function verifyTenantRole(
  sts: Sts,
  environment: string,
  { tenant, stranger, roleArn, account }: TenantRoleCheck,
): Promise<RoleVerdict> {
  const found = accountOfRole(roleArn);
  if (account !== undefined && found !== account)
    return refused(`The role is in the account ${found}, not in the account ${account} that was named.`);
  const isOpen = async (name: string, tagged: Pick<Assumption, "tags">): Promise<boolean> => {
    const asked = { roleArn, sessionName: `${environment}-${name}`, seconds: CHECK_SECONDS, ...tagged };
    return (await sts.assume(asked)).kind === "assumed";
  };
  const tagOf = (id: string) => ({ tags: { [TENANT_TAG]: id } });
  if (!(await isOpen(tenant, tagOf(tenant))))
    return refused(
      `AWS does not let us assume the role with the tag ${TENANT_TAG} = ${tenant}. Its trust policy has to name this service's own role and this tenant; a new role takes up to a minute.`,
    );
  if (await isOpen(stranger, tagOf(stranger)))
    return refused(
      `The role takes the tag of another tenant too: its trust policy lacks the condition aws:RequestTag/${TENANT_TAG} = ${tenant}. Use the template of the silo.`,
    );
  if (await isOpen(tenant, {}))
    return refused(
      `The role can be assumed without the tag ${TENANT_TAG}: its trust policy lacks the condition. Use the template of the silo.`,
    );
  return { kind: "good", account: found };
}

const refused = (reason: string): RoleVerdict => ({ kind: "refused", reason });
