import { ProviderError } from "../../src/errors.ts";

/** The code of what is thrown. */
export function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return error instanceof ProviderError ? error.code : String(error);
  }
  return "nothing was thrown";
}
