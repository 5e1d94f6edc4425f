import type { AssumeRoleCommandInput, STSClient } from "@aws-sdk/client-sts";
import { ProviderError } from "../../../errors.ts";

/** How STS is reached; whatever is absent the SDK finds by its own rules. */
export interface StsAccess {
  readonly region: string;
  /** One address that plays every service. */
  readonly endpoint?: string;
  /** Used instead of the SDK's chain. */
  readonly keys?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** For a whole call, the second try of the SDK included; five seconds unless given. */
  readonly limitMs?: number;
}

/** Temporary credentials. Never stored, never logged. */
export interface AwsSession {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiresAt: Date;
}

export interface Assumption {
  readonly roleArn: string;
  /** What CloudTrail calls the session. */
  readonly sessionName: string;
  readonly seconds: number;
  readonly tags?: Readonly<Record<string, string>>;
  readonly externalId?: string;
}

/** AWS gave a session, or its policies do not let us have one. */
export type Assumed = { readonly kind: "assumed"; readonly session: AwsSession } | { readonly kind: "denied" };

export interface Sts {
  /** Throws `aws_unavailable` when AWS is away, slow or throttles, `aws_refused` when our own set-up is wrong. */
  assume(asked: Assumption): Promise<Assumed>;
  /** Number of the account that this service's own credentials are of. */
  account(): Promise<string>;
}

const LIMIT_MS = 5_000;
const WAITS = { connectionTimeout: 2_000, requestTimeout: 4_000 };
const nothing = (): void => undefined;
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** Opens STS without a byte being sent or a part of the SDK being loaded: that waits for the first call. */
export function openSts({ region, endpoint, keys, limitMs = LIMIT_MS }: StsAccess): Sts {
  let opened: Promise<STSClient> | undefined;
  let known: Promise<string> | undefined;
  const client = (): Promise<STSClient> => {
    opened ??= import("@aws-sdk/client-sts").then(({ STSClient: Client }) => {
      const given = { ...(endpoint !== undefined && { endpoint }), ...(keys !== undefined && { credentials: keys }) };
      return new Client({ region, maxAttempts: 2, requestHandler: WAITS, logger: SILENT, ...given });
    });
    return opened;
  };
  return {
    assume: async (asked) => {
      const { AssumeRoleCommand } = await import("@aws-sdk/client-sts");
      const sts = await client();
      try {
        const command = new AssumeRoleCommand(inputOf(asked));
        const { Credentials: given } = await within(limitMs, (abortSignal) => sts.send(command, { abortSignal }));
        return { kind: "assumed", session: sessionOf(given) };
      } catch (thrown) {
        if (nameOf(thrown) === "AccessDenied" || nameOf(thrown) === "AccessDeniedException") return { kind: "denied" };
        throw faultOf(thrown);
      }
    },
    account: () => {
      known ??= askAccount(client, limitMs).catch((fault: unknown) => {
        known = undefined;
        throw fault;
      });
      return known;
    },
  };
}

async function askAccount(client: () => Promise<STSClient>, limitMs: number): Promise<string> {
  const { GetCallerIdentityCommand } = await import("@aws-sdk/client-sts");
  const sts = await client();
  try {
    const command = new GetCallerIdentityCommand({});
    const { Account } = await within(limitMs, (abortSignal) => sts.send(command, { abortSignal }));
    return Account ?? "";
  } catch (thrown) {
    throw faultOf(thrown);
  }
}

function inputOf({ roleArn, sessionName, seconds, tags = {}, externalId }: Assumption): AssumeRoleCommandInput {
  const entries = Object.entries(tags);
  return {
    RoleArn: roleArn,
    RoleSessionName: sessionName,
    DurationSeconds: seconds,
    ...(entries.length > 0 && { Tags: entries.map(([Key, Value]) => ({ Key, Value })) }),
    ...(externalId !== undefined && { ExternalId: externalId }),
  };
}

type Given = {
  readonly AccessKeyId?: string | undefined;
  readonly SecretAccessKey?: string | undefined;
  readonly SessionToken?: string | undefined;
  readonly Expiration?: Date | undefined;
};

function sessionOf({ AccessKeyId, SecretAccessKey, SessionToken, Expiration }: Given = {}): AwsSession {
  if (!(AccessKeyId && SecretAccessKey && SessionToken && Expiration)) throw new Error("AWS answered half a session.");
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
    expiresAt: Expiration,
  };
}

/** The signal ends a request; the race ends whatever the SDK does besides, such as looking for credentials. */
async function within<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(ms);
  const ended = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  return Promise.race([work(signal), ended]);
}

const nameOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.name : "");

/** Our credentials, region, clock or role: nothing that waiting would mend. (STS API reference, "Common errors".) */
const OURS =
  /^(AccessDenied|InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|InvalidSignature|IncompleteSignature|MissingAuthenticationToken|ExpiredToken|RequestExpired|OptInRequired|RegionDisabled|ValidationError|MalformedPolicyDocument|PackedPolicyTooLarge|CredentialsProviderError)/;

function faultOf(thrown: unknown): ProviderError {
  if (OURS.test(nameOf(thrown)))
    return new ProviderError("aws_refused", "AWS refused: the vendor's set-up there has to be looked at.", {
      cause: thrown,
    });
  const message = "AWS gave no answer in time. Nothing was changed; please try again.";
  return new ProviderError("aws_unavailable", message, { cause: thrown, retryAfter: 5 });
}
