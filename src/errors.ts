/** Every fault this service can name. A new code without facts below does not compile. */
export type ErrorCode =
  | "aws_not_connected"
  | "aws_refused"
  | "aws_role_refused"
  | "aws_unavailable"
  | "body_too_large"
  | "config_invalid"
  | "credential_not_found"
  | "csrf_refused"
  | "endpoint_not_found"
  | "identity_failed"
  | "identity_unavailable"
  | "internal"
  | "marketplace_refused"
  | "marketplace_unavailable"
  | "not_authenticated"
  | "not_permitted"
  | "operation_running"
  | "plan_change_refused"
  | "plan_unknown"
  | "product_failed"
  | "product_refused"
  | "quota_exceeded"
  | "rate_limited"
  | "region_unknown"
  | "request_conflict"
  | "request_malformed"
  | "route_not_found"
  | "signin_refused"
  | "tenant_gone"
  | "tenant_mismatch"
  | "tenant_not_found"
  | "tenant_suspended"
  | "unavailable"
  | "usage_closed"
  | "usage_conflict"
  | "usage_early"
  | "usage_late"
  | "usage_malformed"
  | "usage_unknown_dimension"
  | "view_only";

/** Who has to read the message: it is worded for that person. */
export type Audience = "caller" | "customer" | "operator";

export interface ErrorFacts {
  readonly status: number;
  /** Whether the same request may succeed later without anybody changing it. */
  readonly retryable: boolean;
  readonly audience: Audience;
  /** The RFC 9457 `title`: the same for every occurrence of the code. */
  readonly title: string;
}

const facts = (status: number, retryable: boolean, audience: Audience, title: string): ErrorFacts => ({
  status,
  retryable,
  audience,
  title,
});

export const errorFacts: Readonly<Record<ErrorCode, ErrorFacts>> = {
  aws_not_connected: facts(409, false, "caller", "No AWS account is connected"),
  aws_role_refused: facts(422, false, "customer", "The role cannot be used"),
  aws_refused: facts(502, false, "operator", "AWS refused"),
  aws_unavailable: facts(503, true, "operator", "AWS did not answer"),
  body_too_large: facts(413, false, "caller", "The body is too large"),
  config_invalid: facts(500, false, "operator", "The settings are not usable"),
  credential_not_found: facts(404, false, "caller", "There is no such credential"),
  csrf_refused: facts(403, false, "customer", "The form has expired"),
  endpoint_not_found: facts(404, false, "caller", "There is no such endpoint"),
  identity_failed: facts(502, false, "operator", "The identity provider answered wrongly"),
  identity_unavailable: facts(503, true, "operator", "The identity provider did not answer"),
  internal: facts(500, true, "operator", "Something failed on our side"),
  marketplace_refused: facts(502, false, "operator", "The marketplace refused"),
  marketplace_unavailable: facts(503, true, "operator", "The marketplace did not answer"),
  not_authenticated: facts(401, false, "caller", "The credentials are missing or wrong"),
  not_permitted: facts(403, false, "caller", "The credentials do not allow this"),
  operation_running: facts(409, true, "customer", "Another change is under way"),
  plan_change_refused: facts(422, false, "customer", "The plan cannot be changed"),
  plan_unknown: facts(422, false, "customer", "There is no such plan"),
  product_failed: facts(502, true, "operator", "The product failed"),
  product_refused: facts(422, false, "customer", "The product refused"),
  quota_exceeded: facts(429, true, "caller", "The quota is used up"),
  rate_limited: facts(429, true, "caller", "Too many requests"),
  region_unknown: facts(422, false, "customer", "There is no such region"),
  request_conflict: facts(409, false, "caller", "The same id came with other content"),
  request_malformed: facts(400, false, "caller", "The request is malformed"),
  route_not_found: facts(404, false, "caller", "There is nothing at this address"),
  signin_refused: facts(403, false, "customer", "The sign-in was refused"),
  tenant_gone: facts(410, false, "caller", "The tenant is gone"),
  tenant_mismatch: facts(500, false, "operator", "A tenant boundary was touched"),
  tenant_not_found: facts(404, false, "caller", "There is no such tenant"),
  tenant_suspended: facts(403, false, "customer", "The tenant is suspended"),
  unavailable: facts(503, true, "caller", "The service is briefly unavailable"),
  usage_closed: facts(422, false, "caller", "The agreement has ended"),
  usage_conflict: facts(409, false, "caller", "The usage event came before with other content"),
  usage_early: facts(422, false, "caller", "The usage event lies in the future"),
  usage_late: facts(422, false, "caller", "The usage event is too old"),
  usage_malformed: facts(422, false, "caller", "The usage event is malformed"),
  usage_unknown_dimension: facts(422, false, "caller", "There is no such dimension"),
  view_only: facts(403, false, "operator", "This view is read-only"),
};

/** One thing wrong with the input: where (`/options/size`, `PORT`) and what. */
export interface Fault {
  readonly at: string;
  readonly message: string;
}

interface ErrorDetail {
  /** Every fault of the input, not only the first. */
  readonly faults?: readonly Fault[];
  /** Seconds after which a repeat makes sense. */
  readonly retryAfter?: number;
  /** For the log only; never rendered. */
  readonly cause?: unknown;
}

/**
 * The one error class. `message` is shown as it stands to the audience of its code
 * (a customer reads it in `heroku addons:create`), so it never holds a secret or a stack.
 */
export class ProviderError extends Error {
  override readonly name = "ProviderError";
  readonly code: ErrorCode;
  readonly faults: readonly Fault[];
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.faults = detail.faults ?? [];
    this.retryAfter = detail.retryAfter;
  }
}

/** Anything thrown, as a ProviderError; what is not ours becomes `internal` and leaks no text. */
export function asProviderError(thrown: unknown): ProviderError {
  if (thrown instanceof ProviderError) return thrown;
  return new ProviderError("internal", "Something failed on our side. It has been recorded.", { cause: thrown });
}
