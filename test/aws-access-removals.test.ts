import { removals } from "./support/removals.ts";
import { type AccessCase, accessCases } from "./support/tenant-access-cases.ts";
import { deployed, MODELS, type Model } from "./support/tenant-role.ts";
import { granted } from "./support/tenant-session.ts";
import { allows, trustCases } from "./support/trust-cases.ts";

describe("nothing in a template is there for show", () => {
  test.each(MODELS)("%s: taking any one thing out of the role's policies turns a case red", (model) => {
    const [trust, cases] = [trustCases(model), accessCases(model)];
    const found = removals(deployed(model)).map(({ without, role }) => {
      const red = without.startsWith("trust")
        ? trust.some((one) => allows(role, one) !== one.allowed)
        : likelyFirst(cases, without).some((one) => granted(role, one) !== one.allowed);
      return { without, red };
    });
    expect(found.length).toBeGreaterThan(leastRemovals[model]);
    expect(found.filter(({ red }) => !red).map(({ without }) => without)).toEqual([]);
  });

  test("what is taken out is what there is: conditions, their values, statements, actions and resources", () => {
    const paths = removals(deployed("pool")).map(({ without }) => without);
    expect(paths).toEqual(
      expect.arrayContaining([
        "trust/Statement/TagWithTheTenantAlone/Condition/ForAllValues:StringEquals/aws:TagKeys",
        "trust/Statement/TagWithTheTenantAlone/Condition/StringNotLike/aws:RequestTag/TenantID/*/*",
        "policy 0/Statement/ListOwnObjects/Condition/StringLike/s3:prefix",
        "policy 1/Statement/UseOwnItems/Condition/Null",
        "policy 2/Statement/UseOwnDocuments/Action/es:ESHttpGet",
        "policy 3/Statement/UseKeyForOwnData/Condition",
        "policy 5/Statement/NothingAfterRevocation",
      ]),
    );
  });
});

const leastRemovals: Readonly<Record<Model, number>> = { pool: 120, bridge: 120, silo: 80 };

/** The cases of the service that a policy is about come first: one of them is red soonest. */
function likelyFirst(cases: readonly AccessCase[], without: string): readonly AccessCase[] {
  const prefix = ["s3:", "dynamodb:", "es:", "kms:", "rds-db:"][Number(/^policy (\d)/.exec(without)?.[1])] ?? "";
  const isLikely = ({ action, beside = false }: AccessCase) => (prefix === "" ? beside : action.startsWith(prefix));
  return [...cases.filter(isLikely), ...cases.filter((one) => !isLikely(one))];
}
