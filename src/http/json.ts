import { isUtf8 } from "node:buffer";
import { type Fault, ProviderError } from "../errors.ts";

export interface JsonLimits {
  /** How many objects and arrays may lie within each other. */
  readonly maxDepth?: number;
  /** Lets text through that PostgreSQL does not store, and any member: for whoever judges each of its items alone. */
  readonly anyText?: boolean;
}

const MAX_FAULTS = 20;

/**
 * JSON as strictly as what follows needs it: valid UTF-8, nested at most 32 deep, no NUL and no lone surrogate in any
 * string (PostgreSQL refuses the one and stores the other differently), no member that could reach a prototype.
 * Throws `request_malformed`, naming each place at fault. A repeated member counts with its last value.
 */
export function parseJson(bytes: Buffer, { maxDepth = 32, anyText = false }: JsonLimits = {}): unknown {
  if (bytes.length === 0) throw malformed("The body is empty.");
  if (!isUtf8(bytes)) throw malformed("The body is not valid UTF-8.");
  if (isDeeperThan(bytes, maxDepth)) throw malformed(`The body is nested more than ${maxDepth} deep.`);
  const text = bytes.toString("utf8");
  const value = parse(text);
  if (!anyText && mayHoldFaults(text)) refuseFaults(value);
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed("The body is not valid JSON.");
  }
}

function malformed(message: string, faults: readonly Fault[] = []): ProviderError {
  return new ProviderError("request_malformed", message, { faults });
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const depthStep = new Int8Array(256);
for (const opening of Buffer.from("[{")) depthStep[opening] = 1;
for (const closing of Buffer.from("]}")) depthStep[closing] = -1;

/** Looks at the bytes before anything is built from them: a few megabytes of `[` would become millions of arrays. */
function isDeeperThan(bytes: Buffer, limit: number): boolean {
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) at = endOfString(bytes, at);
    else depth += depthStep[byte] ?? 0;
    if (depth > limit) return true;
  }
  return false;
}

function endOfString(bytes: Buffer, start: number): number {
  for (let at = start + 1; at < bytes.length; at++) {
    if (bytes[at] === BACKSLASH) at++;
    else if (bytes[at] === QUOTE) return at;
  }
  return bytes.length;
}

/** NUL and lone surrogates can only come escaped, since the bytes are valid UTF-8 and JSON allows no bare controls. */
function mayHoldFaults(text: string): boolean {
  return text.includes("\\u") || text.includes("__proto__") || text.includes("constructor");
}

function refuseFaults(value: unknown): void {
  const faults: Fault[] = [];
  collectFaults(value, "", faults);
  if (faults.length > 0) throw malformed("The body holds text or members that are not accepted.", faults);
}

function collectFaults(value: unknown, at: string, faults: Fault[]): void {
  if (faults.length >= MAX_FAULTS) return;
  if (typeof value === "string") checkText(value, at, faults);
  else if (Array.isArray(value)) for (const [i, item] of value.entries()) collectFaults(item, `${at}/${i}`, faults);
  else if (typeof value === "object" && value !== null) collectMemberFaults(value, at, faults);
}

function collectMemberFaults(object: object, at: string, faults: Fault[]): void {
  for (const [name, value] of Object.entries(object)) {
    const place = `${at}/${pointerToken(name)}`;
    checkText(name, place, faults);
    if (reachesPrototype(name, value)) faults.push({ at: place, message: "is not an accepted member" });
    collectFaults(value, place, faults);
  }
}

function checkText(text: string, at: string, faults: Fault[]): void {
  if (text.includes("\0")) faults.push({ at, message: "must not contain NUL" });
  if (loneSurrogate.test(text)) faults.push({ at, message: "must not contain half of a surrogate pair" });
}

/** With the flag `u` a whole pair is one character, so this finds halves only. */
const loneSurrogate = /\p{Surrogate}/u;

/** `JSON.parse` makes own members of these names; copying one into another object would change that one's prototype. */
function reachesPrototype(name: string, value: unknown): boolean {
  if (name === "__proto__") return true;
  return name === "constructor" && typeof value === "object" && value !== null && Object.hasOwn(value, "prototype");
}

/** A name as a part of a JSON pointer (RFC 6901), fit to be answered and logged. */
function pointerToken(name: string): string {
  return name
    .slice(0, 64)
    .replaceAll(/\p{Surrogate}/gu, "\ufffd")
    .replaceAll("~", "~0")
    .replaceAll("/", "~1");
}
