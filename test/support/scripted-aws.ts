import type { Agreement } from "../../src/marketplaces/aws/api/agreements.ts";
import type { AwsApi } from "../../src/marketplaces/aws/api/aws-api.ts";
import type { Entitlement } from "../../src/marketplaces/aws/api/entitlements.ts";
import type { Resolved, Unresolved } from "../../src/marketplaces/aws/api/resolve-customer.ts";

/** What the tests have AWS say. Whatever is not set is not there. */
export interface FakeAws extends AwsApi {
  readonly tokens: Map<string, Resolved | Unresolved>;
  readonly agreements: Map<string, Agreement>;
  /** By licence ARN or customer. */
  readonly granted: Map<string, Entitlement[]>;
  silent: { agreements: boolean; entitlements: boolean };
  readonly asked: string[];
}

const DOWN = { kind: "down", fault: "silence" } as const;

export function fakeAws(): FakeAws {
  const found = <T>(value: T) => ({ kind: "found", value }) as const;
  const fake: FakeAws = {
    tokens: new Map(),
    agreements: new Map(),
    granted: new Map(),
    silent: { agreements: false, entitlements: false },
    asked: [],
    resolveCustomer: async (token) => {
      fake.asked.push(`resolve ${token}`);
      return fake.tokens.get(token) ?? { kind: "invalid_token" };
    },
    entitlements: async ({ licenceArn, customer }) => {
      fake.asked.push(`entitlements ${licenceArn ?? customer}`);
      return fake.silent.entitlements ? DOWN : found(fake.granted.get(licenceArn ?? customer ?? "") ?? []);
    },
    agreementOfLicence: async (arn) => {
      fake.asked.push(`agreement of ${arn}`);
      if (fake.silent.agreements) return DOWN;
      return found([...fake.agreements.values()].find(({ licenceArns }) => licenceArns.includes(arn)));
    },
    agreement: async (id) => {
      fake.asked.push(`agreement ${id}`);
      return fake.silent.agreements ? DOWN : found(fake.agreements.get(id));
    },
    changedAgreements: async (since) => {
      fake.asked.push("changed");
      if (fake.silent.agreements) return DOWN;
      const changed = [...fake.agreements.values()].filter(({ updatedAt }) => (updatedAt ?? since) >= since);
      return found({ agreements: changed });
    },
    receive: async () => ({ kind: "misconfigured", code: "NoQueue", message: "" }),
    settle: async () => found(0),
  };
  return fake;
}
