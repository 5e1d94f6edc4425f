import { type DestinationStream, type LevelWithSilent, type Logger as PinoLogger, pino } from "pino";

export type Logger = PinoLogger;

interface LogOptions {
  readonly level: LevelWithSilent;
  /** Fields of every line, such as the role of the process. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Where the lines go; standard output when absent. */
  readonly destination?: DestinationStream;
}

/**
 * One JSON object a line, written soon but not at once; `logger.flush` and the end of the process write what is left.
 * No secret gets out: a member whose name says that it is one is redacted at any depth, an error shows only its text,
 * code, stack and causes, and passwords in URLs, Authorization values and tokens in queries are cut from any text.
 */
export function createLogger({ level, fields = {}, destination = standardOutput() }: LogOptions): Logger {
  const logger = pino(
    {
      level,
      base: redacted(fields),
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: (members) => redacted(members) },
      serializers: { err: (described: unknown) => described },
      hooks: { streamWrite: withoutSecrets },
    },
    destination,
  );
  return redactChildren(logger);
}

/** Pino lets the fields of a child logger past every formatter. */
function redactChildren(logger: Logger): Logger {
  const { child } = logger;
  logger.child = function redactedChild(this: Logger, fields, options) {
    return child.call(this, redacted(fields), options);
  } as Logger["child"];
  return logger;
}

/** Lines wait until 4 kB are together or this long, because a write of its own for each costs more than the line. */
const FLUSH_EVERY_MS = 200;

function standardOutput(): DestinationStream {
  const output = pino.destination({ dest: 1, sync: false, minLength: 4_096 });
  setInterval(() => output.flush(), FLUSH_EVERY_MS).unref();
  return output;
}

const REDACTED = "[redacted]";
const MAX_DEPTH = 6;
const MAX_CAUSES = 4;

/** Compared with a name in lower case and without separators: `Set-Cookie`, `client_secret` and `apiKey` all match. */
const secretName =
  /^(?:config|key|grant)$|(?:authorization|cookie|password|passphrase|secret|token|salt|apikey|secretkeys?|privatekey|configvars?|navdata|databaseurl|email)s?$/;

const verdicts = new Map<string, boolean>();
const MAX_VERDICTS = 1_000;

function isSecretName(name: string): boolean {
  const before = verdicts.get(name);
  if (before !== undefined) return before;
  const verdict = secretName.test(name.toLowerCase().replaceAll(/[^a-z]/g, ""));
  if (verdicts.size < MAX_VERDICTS) verdicts.set(name, verdict);
  return verdict;
}

function redacted(object: object, depth = 1): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(object)) {
    if (value !== undefined) copy[name] = isSecretName(name) ? REDACTED : cleaned(value, depth);
  }
  return copy;
}

function cleaned(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if (value instanceof Error) return described(value);
  if (ArrayBuffer.isView(value)) return "[bytes]";
  if (depth >= MAX_DEPTH) return "[deeper]";
  return Array.isArray(value) ? value.map((item) => cleaned(item, depth + 1)) : redacted(value, depth + 1);
}

/** Only what says why: other members of an error may hold a request, a row or a query with its parameters. */
function described(error: Error, causes = MAX_CAUSES): Record<string, unknown> {
  const { name, message, stack, cause } = error;
  return {
    name,
    message,
    code: "code" in error ? String(error.code) : undefined,
    stack,
    cause: cause instanceof Error && causes > 0 ? described(cause, causes - 1) : undefined,
  };
}

const inText =
  /(:\/\/[^\s"/@:]*:)[^\s"/@]+(?=@)|\b((?:Basic|Bearer) )[\w.~+/=-]{16,}|([?&][\w-]*(?:token|secret|password|code)=)[^&\s"\\]+/g;

function withoutSecrets(line: string): string {
  return line.replaceAll(inText, `$1$2$3${REDACTED}`);
}
