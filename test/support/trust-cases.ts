import { type Assumption, refusedAction } from "../../src/simulator/aws/access/assumption.ts";
import type { Role } from "../../src/simulator/aws/access/role.ts";
import type { Principal } from "../../src/simulator/aws/judge/principals.ts";
import { ACCOUNT, ENVIRONMENT, foreign, type Model, own, VENDING } from "./tenant-role.ts";

/** Somebody asks for the tenants' role. */
export interface TrustCase {
  readonly title: string;
  readonly principal: Principal;
  readonly asked: Assumption;
  readonly allowed: boolean;
}

const vending: Principal = {
  arn: `arn:aws:sts::${ACCOUNT}:assumed-role/stallholder/task`,
  account: ACCOUNT,
  role: VENDING,
};

export function assumptionFor(tenant: string, said: Partial<Assumption> = {}): Assumption {
  const sessionName = `${ENVIRONMENT}-${tenant}`;
  return {
    sessionName,
    tags: { TenantID: tenant },
    transitiveTagKeys: [],
    externalId: undefined,
    policies: [],
    ...said,
  };
}

export function allows(role: Role, { principal, asked }: Pick<TrustCase, "principal" | "asked">): boolean {
  return refusedAction(role, principal, asked) === undefined;
}

const refused = (title: string, asked: Assumption, principal = vending): TrustCase => ({
  title,
  principal,
  asked,
  allowed: false,
});

/** What a tag may hold beside small letters, and an id may not; and what stands first in none. */
const FOREIGN = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ0189 _.:/=+-@"];

export function trustCases(model: Model): readonly TrustCase[] {
  const user: Principal = { arn: `arn:aws:iam::${ACCOUNT}:user/ada`, account: ACCOUNT };
  const session: Principal = {
    ...vending,
    arn: `arn:aws:sts::${ACCOUNT}:assumed-role/other/s`,
    role: `arn:aws:iam::${ACCOUNT}:role/other`,
  };
  const stranger: Principal = { arn: "arn:aws:iam::444455556666:role/stallholder", account: "444455556666" };
  return [
    { title: "for a tenant", principal: vending, asked: assumptionFor(own), allowed: true },
    { title: "for another tenant", principal: vending, asked: assumptionFor(foreign), allowed: model !== "silo" },
    refused("by a user of the account", assumptionFor(own), user),
    refused("by another role of the account", assumptionFor(own), session),
    refused("from another account", assumptionFor(own), stranger),
    refused("without the tag", assumptionFor(own, { tags: {} })),
    refused("with another tag in its place", assumptionFor(own, { tags: { Tenant: own } })),
    refused("with a tag too many", assumptionFor(own, { tags: { TenantID: own, Plan: "premium" } })),
    refused("with a tag that goes on to other roles", assumptionFor(own, { transitiveTagKeys: ["TenantID"] })),
    refused("under a name that says another tenant", assumptionFor(own, { sessionName: `${ENVIRONMENT}-${foreign}` })),
    refused("under a name that says another environment", assumptionFor(own, { sessionName: `prod-${own}` })),
    refused("under no such name", assumptionFor(own, { sessionName: "session" })),
    refused("for nobody", assumptionFor("")),
    refused("for an id cut short", assumptionFor(own.slice(1))),
    refused("for an id with something after it", assumptionFor(`${own}a`)),
    ...[..."234567"].map((digit) =>
      refused(`for an id that begins with ${digit}`, assumptionFor(`${digit}${own.slice(1)}`)),
    ),
    ...FOREIGN.map((character) =>
      refused(`for an id with ${character}`, assumptionFor(`${own.slice(0, 12)}${character}${own.slice(13)}`)),
    ),
    refused("for a path", assumptionFor(`../${own.slice(3)}`)),
  ];
}
