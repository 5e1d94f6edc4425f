import { type Catalog, configVarName } from "../catalog/catalog.ts";
import type { CredentialDeclaration } from "../credentials/credentials.ts";

/**
 * The catalog's credentials with the full names of their config vars. A `url` without a value of its own is this
 * service's address; `jwt` holds the address where an API key is exchanged for a short token,
 * `aws` the one where it is exchanged for temporary credentials.
 */
export function declaredCredentials(catalog: Catalog, publicUrl: string): readonly CredentialDeclaration[] {
  return catalog.credentials.map((declared) => {
    const name = configVarName(catalog, declared.var);
    switch (declared.kind) {
      case "url":
        return { kind: declared.kind, name, value: declared.value ?? publicUrl };
      case "jwt":
        return { kind: declared.kind, name, value: `${publicUrl}/v1/token` };
      case "aws":
        return { kind: declared.kind, name, value: `${publicUrl}/v1/aws/credentials` };
      default:
        return { kind: declared.kind, name };
    }
  });
}
