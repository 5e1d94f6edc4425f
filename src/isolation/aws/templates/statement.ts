/** The services whose data the templates divide among tenants. */
export const services = ["s3", "dynamodb", "opensearch", "kms", "rds"] as const;
export type Service = (typeof services)[number];

/** `pool`: shared things, divided inside. `bridge`: one thing for each tenant, in one account. `silo`: an account for each. */
export const models = ["pool", "bridge", "silo"] as const;
export type Model = (typeof models)[number];

/** What a template is made for. */
export interface Wanted {
  readonly services: readonly Service[];
  readonly model: Model;
  /** `STALLHOLDER_ENV` */
  readonly environment: string;
  /** Id of the product, for its tag. */
  readonly product: string;
}

/** The session tag that says whose a session is, and the tag on what belongs to one tenant. */
export const TENANT_TAG = "TenantID";

/** One condition of a statement. A list may be a parameter of the template. */
export interface Condition {
  readonly operator: string;
  readonly key: string;
  readonly values: readonly string[] | { readonly parameter: string };
}

/** One statement, before it is written in the notation of a template. */
export interface Statement {
  readonly sid: string;
  readonly effect: "Allow" | "Deny";
  readonly actions: readonly string[];
  /** ARNs of who may; only in a trust policy, which has no resources. */
  readonly principals?: readonly string[];
  readonly resources?: readonly string[];
  readonly conditions?: readonly Condition[];
}

/** A policy of the tenants' role. */
export interface NamedPolicy {
  readonly name: string;
  readonly statements: readonly Statement[];
}

/** How a notation writes what only AWS or the deploying person knows. */
export interface Names {
  /** A variable of IAM, such as the session's tag. */
  variable(key: string): string;
  readonly partition: string;
  readonly region: string;
  readonly account: string;
  readonly vendingPrincipal: string;
  /** Of a silo: whose account it is. */
  readonly tenant: string;
  readonly bucketArn: string;
  readonly keyArn: string;
  readonly tableArn: string;
  readonly domainArn: string;
  readonly databaseResourceId: string;
  readonly revokedTenants: string;
  readonly revokedBefore: string;
}

export const allow = (sid: string, given: Omit<Statement, "sid" | "effect">): Statement => ({
  sid,
  effect: "Allow",
  ...given,
});

export const when = (operator: string, key: string, ...values: readonly string[]): Condition => ({
  operator,
  key,
  values,
});
