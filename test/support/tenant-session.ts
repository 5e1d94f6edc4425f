import { judgeSession } from "../../src/simulator/aws/access/assumption.ts";
import type { Role } from "../../src/simulator/aws/access/role.ts";
import { type AccessCase, issuedAt } from "./tenant-access-cases.ts";
import { ENVIRONMENT } from "./tenant-role.ts";

const EVERYTHING = { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "*", Resource: "*" } };

/** Whether the role lets a session of the case's tenant do what it tries. */
export function granted(role: Role, tried: AccessCase): boolean {
  const { tenant, action, resource, context, beside = false } = tried;
  const session = {
    role: beside ? { ...role, policies: [...role.policies, EVERYTHING] } : { ...role, tags: withoutTenant(role.tags) },
    policies: [],
    sessionName: `${ENVIRONMENT}-${tenant}`,
    tags: tenant === undefined ? {} : { TenantID: tenant },
    issuedAt: issuedAt(tried),
  };
  return judgeSession(session, action, resource, context).allowed;
}

/** In a silo the role itself bears the tenant's tag; what a session may do must not rest on that. */
function withoutTenant({
  TenantID: _tenant,
  ...tags
}: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return tags;
}
