/** What went wrong with one call, as far as it decides what to do next. */
export type CallFault =
  /** AWS took nothing: later, and more slowly. */
  | { readonly kind: "throttled" }
  /** No answer, or one that says nothing; `unsent` when not a byte of it can have arrived. */
  | { readonly kind: "down"; readonly fault: string; readonly unsent: boolean }
  /** Our credentials, region, clock or settings: a person has to act. Nothing was applied. */
  | { readonly kind: "misconfigured"; readonly code: string; readonly message: string }
  /** AWS understood and refused. Nothing was applied. */
  | { readonly kind: "refused"; readonly code: string; readonly message: string };

const THROTTLED = /^(Throttling|TooManyRequests|RequestLimitExceeded|SlowDown|PriorRequestNotComplete)/;
const MISCONFIGURED =
  /^(AccessDenied|UnrecognizedClient|InvalidClientTokenId|InvalidSignature|SignatureDoesNotMatch|IncompleteSignature|MissingAuthenticationToken|RequestExpired|RequestTimeTooSkewed|NotAuthorized|OptInRequired|DisabledApi|UnknownOperation|InvalidAction|QueueDoesNotExist|NonExistentQueue|InvalidAddress|CredentialsProviderError|AuthFailure|KMS)/;
/** An expired session of ours has the same name as an expired registration token of the buyer's. */
const OUR_SESSION = /security token/i;

/** The SDK's words when its connection time-out ended the wait for a socket, and Node's when there was none. */
const NEVER_CONNECTED = /did not establish a connection|\b(?:connect|getaddrinfo) E[A-Z_]+/;

/**
 * Reads what the SDK threw. Messages are AWS's own without ARNs, and without anything of `secrets`: what could not be
 * recognised is `down`, since then nobody knows what came of the call.
 */
export function faultOf(thrown: unknown, secrets: readonly string[] = []): CallFault {
  const { name, message, status, syscall, code } = readError(thrown);
  if (THROTTLED.test(name) || status === 429) return { kind: "throttled" };
  if (isMisconfigured(name, message, status))
    return { kind: "misconfigured", code: name, message: clean(message, secrets) };
  if (status !== undefined && status >= 400 && status < 500) {
    return { kind: "refused", code: name, message: clean(message, secrets) };
  }
  const unsent = syscall === "connect" || syscall === "getaddrinfo" || NEVER_CONNECTED.test(message);
  return { kind: "down", fault: [status, code ?? name].filter((part) => part !== undefined).join(" "), unsent };
}

function isMisconfigured(name: string, message: string, status: number | undefined): boolean {
  if (MISCONFIGURED.test(name)) return true;
  if (name.startsWith("ExpiredToken") && OUR_SESSION.test(message)) return true;
  return status === 401 || status === 403 || status === 404;
}

interface ReadError {
  readonly name: string;
  readonly message: string;
  readonly status: number | undefined;
  readonly syscall: string | undefined;
  readonly code: string | undefined;
}

/** By its members: an error of Node's own is none of this realm's class everywhere. */
function readError(thrown: unknown): ReadError {
  const { name, message, $metadata, syscall, code } = Object(thrown) as Readonly<Record<string, unknown>> & {
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  return {
    name: textOf(name) ?? "UnknownError",
    message: textOf(message) ?? "",
    status: $metadata?.httpStatusCode,
    syscall: textOf(syscall),
    code: textOf(code),
  };
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

const LONGEST_MESSAGE = 500;

function clean(message: string, secrets: readonly string[]): string {
  const without = secrets.filter(Boolean).reduce((text, secret) => text.replaceAll(secret, "[secret]"), message);
  return without.replaceAll(/arn:aws[^\s"',]*/g, "[ARN]").slice(0, LONGEST_MESSAGE);
}
