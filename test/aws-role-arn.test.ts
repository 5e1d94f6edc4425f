import { accountOfRole } from "../src/isolation/aws/connections/verify-role.ts";

const CUSTOMER = "123456789012";

describe("the ARN of a customer's role", () => {
  test.each([`arn:aws:iam::${CUSTOMER}:role/x`, `arn:aws-us-gov:iam::${CUSTOMER}:role/path/to/x+=,.@-_`])(
    "%s",
    (arn) => {
      expect(accountOfRole(arn)).toBe(CUSTOMER);
    },
  );

  test.each([
    ["", /the ARN of the role is missing/],
    ["my-role", /not the ARN of a role/],
    [`arn:aws:iam::${CUSTOMER}:user/ada`, /ARN of a user/],
    [`arn:aws:sts::${CUSTOMER}:assumed-role/x/y`, /ARN of a session/],
    ["arn:aws:iam::12345:role/x", /not the ARN of a role/],
    [`arn:aws:iam::${CUSTOMER}:role/*`, /not the ARN of a role/],
    [`arn:aws:iam::${CUSTOMER}:role/x y`, /not the ARN of a role/],
    ["AKIAIOSFODNN7EXAMPLE", /access key.*never ask/],
  ])("%p is named as no role", (roleArn, words) => {
    let fault: unknown;
    try {
      accountOfRole(roleArn);
    } catch (thrown) {
      fault = thrown;
    }
    expect(fault).toMatchObject({
      code: "request_malformed",
      message: expect.stringMatching(words),
      faults: [{ at: "/role_arn" }],
    });
    expect(String(fault)).not.toContain("AKIA");
  });
});
