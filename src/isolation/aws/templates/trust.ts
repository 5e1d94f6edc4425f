import { allow, type Condition, type Names, type Statement, TENANT_TAG, type Wanted, when } from "./statement.ts";

const ID_LENGTH = 26;
/** What a session tag may hold beside letters, digits and the space (STS API reference, Tag), and an id may not. */
const FOREIGN = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ", ..."0189", ..." _.:/=+-@"];
const NOT_FIRST = [..."234567"];

/**
 * Who may take the tenants' role, and as whom: the vending principal alone, with exactly one tag, whose value is an id of
 * ours, and with a session name that says the same to CloudTrail. A request without the tag has no such name: the variable
 * has no value then. IAM knows no regular expressions: length, first character and the ASCII characters that a tag may have
 * are what it can check; the id is checked whole before AWS is called. AssumeRole with tags needs both actions.
 */
export function trustStatements({ environment, model }: Wanted, names: Names): readonly Statement[] {
  const tag = `aws:RequestTag/${TENANT_TAG}`;
  const principals = [names.vendingPrincipal];
  return [
    allow("AssumeInTheNameOfATenant", {
      principals,
      actions: ["sts:AssumeRole"],
      conditions: [when("StringEquals", "sts:RoleSessionName", `${environment}-${names.variable(tag)}`)],
    }),
    allow("TagWithTheTenantAlone", {
      principals,
      actions: ["sts:TagSession"],
      conditions: [
        ...(model === "silo" ? [when("StringEquals", tag, names.tenant)] : grammar(tag)),
        when("ForAllValues:StringEquals", "aws:TagKeys", TENANT_TAG),
        when("Null", "sts:TransitiveTagKeys", "true"),
      ],
    }),
  ];
}

function grammar(tag: string): readonly Condition[] {
  const foreign = [...NOT_FIRST.map((first) => `${first}*`), ...FOREIGN.map((character) => `*${character}*`)];
  return [when("StringLike", tag, "?".repeat(ID_LENGTH)), when("StringNotLike", tag, ...foreign)];
}
