import { textIn } from "../../json.ts";
import { awsError, onWire } from "../wire/answers.ts";
import { disabledIn, isMeteringRegion } from "../wire/regions.ts";
import type { Operation } from "../wire/service.ts";

/** The same token gives the same answer until it expires. */
export const resolveCustomer: Operation = ({ state, clock, faults }, { body, region }) => {
  if (!isMeteringRegion(region)) return disabledIn(region);
  if (faults.take("aws_resolve_throttled") !== undefined) return awsError("ThrottlingException", "Rate exceeded");
  const text = textIn(body, "RegistrationToken");
  if (text === undefined)
    return awsError(
      "ValidationException",
      "1 validation error detected: Value at 'registrationToken' failed to satisfy constraint: Member must not be null",
    );
  const token = state.tokens.get(text);
  if (token === undefined || token.foreign) return awsError("InvalidTokenException", "Registration token is invalid");
  if (token.expiresAt <= clock.now()) return awsError("ExpiredTokenException", "Registration token is expired");
  const { agreement } = token;
  return onWire({
    CustomerAWSAccountId: agreement.account,
    CustomerIdentifier: agreement.customerIdentifier,
    LicenseArn: agreement.generation === "licence" ? agreement.licenceArn : undefined,
    ProductCode: agreement.product.code,
  });
};
