import { type AccessRequest, type Decision, judgeAccess } from "../../src/simulator/aws/judge/judge.ts";

export type Verdict = Decision["because"];
export type Json = Readonly<Record<string, unknown>>;

/** What a case leaves out. */
const usual: AccessRequest = {
  principal: { arn: "arn:aws:iam::111122223333:user/ada", account: "111122223333" },
  action: "s3:GetObject",
  resource: "arn:aws:s3:::docs/a.txt",
  context: {},
};
const everything = { Effect: "Allow", Action: "*", Resource: "*" };

/** A policy of statements that allow everything but for what each says of itself. */
export function policy(...statements: readonly Json[]): Json {
  return { Version: "2012-10-17", Statement: statements.map((given) => complete(given)) };
}

/** `NotAction` and its like take the place of what they are the opposite of. */
function complete(given: Json): Json {
  const merged: Record<string, unknown> = { ...everything, ...given };
  for (const name of ["Action", "Resource"]) if (`Not${name}` in given) delete merged[name];
  return merged;
}

export function request(asked: Partial<AccessRequest> = {}): AccessRequest {
  return { ...usual, ...asked };
}

export function verdict(
  identity: readonly Json[],
  asked: Partial<AccessRequest> = {},
  session?: readonly Json[],
): Verdict {
  return judgeAccess({ identity, ...(session && { session }) }, request(asked)).because;
}

export function conditionHolds(block: Json, context: AccessRequest["context"]): boolean {
  return verdict([policy({ Condition: block })], { context }) === "allowed";
}
