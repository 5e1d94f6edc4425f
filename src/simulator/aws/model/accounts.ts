/** The account that publishes the products; the service's keys are its. */
export const SELLER_ACCOUNT = "993604559884";
/** An account of the same company that runs the product and has to assume a role of the seller's. */
const PRODUCTION_ACCOUNT = "110022003300";
/** A channel partner. */
export const RESELLER_ACCOUNT = "445566778899";

/** Keys that are known, whatever their secret, and the account of each. */
const KEYS: Readonly<Record<string, string>> = {
  AKIASIMULATEDSELLER1: SELLER_ACCOUNT,
  AKIASIMULATEDPROD001: PRODUCTION_ACCOUNT,
};

export const SELLER_KEY = { accessKeyId: "AKIASIMULATEDSELLER1", secretAccessKey: "any-secret-does" } as const;

/** Who the bearer of a key is. */
export const userOf = (account: string): string => `arn:aws:iam::${account}:user/simulated`;

export const SELLER_ARN = userOf(SELLER_ACCOUNT);

export function accountOfKey(accessKeyId: string): string | undefined {
  return Object.hasOwn(KEYS, accessKeyId) ? KEYS[accessKeyId] : undefined;
}
