import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { z } from "zod";

// Every message says what to do and never repeats the value: a setting may be a secret.

const text = (message: string, accepts: (value: string) => boolean) =>
  z.string().refine((value) => value.trim() === value && accepts(value), message);

const matching = (pattern: RegExp, message: string) => text(message, (value) => pattern.test(value));

export const port = () =>
  text("must be a port, 0 to 65535", (value) => /^\d{1,5}$/.test(value) && Number(value) <= 65_535).transform(Number);

export const processes = () =>
  text(
    "must be a whole number from 1 to 64",
    (value) => /^\d{1,2}$/.test(value) && +value >= 1 && +value <= 64,
  ).transform(Number);

export const host = () => matching(/^[\w.:-]+$/, "must be an address or a host name to listen on, without a port");

export const hostAndPort = () =>
  matching(/^([\w.-]+|\[[\da-fA-F:]+\]):\d{1,5}$/, "must be a host and a port such as db.example.com:5432");

const parsedUrl = (value: string): URL | undefined => (URL.canParse(value) ? new URL(value) : undefined);

const isHttp = (url: URL): boolean => url.protocol === "https:" || url.protocol === "http:";

/** `https://host[:port]` and nothing after it; read without a trailing slash. */
export const origin = () =>
  text("must be an origin such as https://addons.example.com, without a path, query or credentials", (value) => {
    const url = parsedUrl(value);
    return url !== undefined && isHttp(url) && url.href === `${url.origin}/`;
  }).transform((value) => new URL(value).origin);

export const httpUrl = () =>
  text("must be an http or https address without credentials or a fragment", (value) => {
    const url = parsedUrl(value);
    return url !== undefined && isHttp(url) && `${url.username}${url.password}${url.hash}` === "";
  });

export const databaseUrl = () =>
  text("must be a PostgreSQL address such as postgres://user:password@host:5432/database", (value) =>
    ["postgres:", "postgresql:"].includes(parsedUrl(value)?.protocol ?? ""),
  ).refine((value) => roleBytes(value) <= NAME_BYTES, {
    error: ({ input }) =>
      `names a role of ${roleBytes(String(input))} bytes, and PostgreSQL cuts names at ${NAME_BYTES} bytes`,
  });

const NAME_BYTES = 63;

/** In an address whatever is no letter, digit or sign of ASCII is written byte by byte. */
function roleBytes(url: string): number {
  return (parsedUrl(url)?.username ?? "").replace(/%[\da-f]{2}/gi, "_").length;
}

export const secret = (atLeast: number) =>
  text(
    `must have at least ${atLeast} characters, none of them white space at an end`,
    (value) => value.length >= atLeast,
  );

const isSecretPart = (part: string): boolean => part !== "" && part.trim() === part;

/** One secret, or two of them separated by a comma while one replaces the other. */
export const secretPair = () =>
  text("must be one secret, or two different ones separated by a comma during a rotation", (value) => {
    const parts = value.split(",");
    return parts.length <= 2 && parts.every(isSecretPart) && new Set(parts).size === parts.length;
  }).transform((value): readonly string[] => Object.freeze(value.split(",")));

const RING_ENTRY = /^([\w-]{1,32}):[A-Za-z0-9+/_-]{43}=?$/;

/** `id:base64,…`: kept as text, because the key ring itself belongs to the credentials. */
export const keyRing = () =>
  text("must be `id:base64,…`, each id once, each key 32 bytes in base64; the first one seals", (value) => {
    const ids = value.split(",").map((entry) => RING_ENTRY.exec(entry)?.[1]);
    return !ids.includes(undefined) && new Set(ids).size === ids.length;
  });

const PROXY_RANGES = ["loopback", "linklocal", "uniquelocal"];

function isProxy(part: string): boolean {
  if (PROXY_RANGES.includes(part)) return true;
  const [address = "", bits, ...rest] = part.split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

/** How many proxies stand before us, or which addresses they have. `true` is no answer: anybody could then forge a source. */
export const proxies = () =>
  text(
    "must be the number of proxies in front (0 to 9), or addresses, networks or `loopback`, separated by commas",
    (value) => /^\d$/.test(value) || value.split(",").every(isProxy),
  ).transform((value): number | readonly string[] =>
    /^\d$/.test(value) ? Number(value) : Object.freeze(value.split(",")),
  );

/** Part of the name of every role, schema and database made for a tenant, so it is short and needs no quoting. */
export const environmentName = () =>
  matching(/^[a-z][a-z0-9]{0,15}$/, "must be 1 to 16 small letters and digits, a letter first");

export const logLevel = () =>
  z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"], {
    error: "must be one of fatal, error, warn, info, debug, trace, silent",
  });

const REGION = /^[a-z]{2}(-[a-z]+)+-\d$/;
const TOPIC = /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]+$/;
const ROLE = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/;

export const awsRegion = () => matching(REGION, "must be a region such as us-east-1");

export const topicArns = () =>
  text("must be SNS topic ARNs separated by commas", (value) =>
    value.split(",").every((arn) => TOPIC.test(arn)),
  ).transform((value): readonly string[] => Object.freeze(value.split(",")));

/** The console opens templates that lie in S3, and no others. */
export const templateUrl = () =>
  matching(
    /^https:\/\/[\w.-]+\.amazonaws\.com(\.cn)?\/[^\s?#"]+$/,
    "must be the https address of an object in S3, without a query",
  );

export const roleArn = () => matching(ROLE, "must be the ARN of an IAM role");

export const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;
/** Entra's addresses for whoever comes from any directory: an e-mail from there proves nothing. */
const ANY_DIRECTORY = /^\/(common|organizations|consumers)(\/|$)/;

/** Where operators prove who they are: what comes from it is believed, so nobody may change it on the way. */
const trusted = (url: URL): boolean =>
  url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.test(url.hostname));

export const issuerUrl = () =>
  text(
    "must be the https address of one identity provider (of Entra: of one directory), without a query; http only on loopback",
    (value) => {
      const url = parsedUrl(value);
      if (url === undefined || !trusted(url) || `${url.username}${url.password}${url.search}${url.hash}` !== "")
        return false;
      return url.hostname !== "login.microsoftonline.com" || !ANY_DIRECTORY.test(url.pathname);
    },
  );

export const entryPointUrl = () =>
  text("must be an https address without credentials or a fragment; http only on loopback", (value) => {
    const url = parsedUrl(value);
    return url !== undefined && trusted(url) && `${url.username}${url.password}${url.hash}` === "";
  });

const PEM = /-----BEGIN CERTIFICATE-----([\s\S]+?)-----END CERTIFICATE-----/g;

/** One certificate or several, while one replaces the other. Line ends may be written `\n`, as some hosts do. */
export const certificates = () =>
  z
    .string()
    .transform(bodiesOf)
    .refine(
      (bodies) => bodies.length > 0 && bodies.every(isCertificate),
      "must be a certificate in PEM or base64, or several of them (base64: separated by commas)",
    );

function bodiesOf(value: string): readonly string[] {
  const plain = value.replaceAll("\\n", "\n");
  const blocks = [...plain.matchAll(PEM)].map(([, body]) => body ?? "");
  return Object.freeze((blocks.length > 0 ? blocks : plain.split(",")).map((body) => body.replace(/\s/g, "")));
}

function isCertificate(body: string): boolean {
  try {
    new X509Certificate(Buffer.from(body, "base64"));
    return true;
  } catch {
    return false;
  }
}
