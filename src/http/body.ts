import type { IncomingMessage } from "node:http";
import type { RequestHandler } from "express";
import { ProviderError } from "../errors.ts";
import { type Form, parseForm } from "./form.ts";
import { type JsonLimits, parseJson } from "./json.ts";
import { parseMultipart, type SentFile } from "./multipart.ts";

interface Received {
  readonly bytes: Buffer;
  readonly json?: unknown;
  readonly form?: Form;
  readonly files?: ReadonlyMap<string, SentFile>;
}

const received = new WeakMap<IncomingMessage, Received>();

/**
 * The whole body, at most `limitBytes` of it; call it once per request, after authentication.
 * Throws `body_too_large` as soon as the length is known to be over the limit (what still comes is discarded unread,
 * so that the client gets to see the answer) and `request_malformed` for a compressed or an unfinished body.
 */
export function readBody(req: IncomingMessage, limitBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    refuseEncoding(req);
    if (Number(req.headers["content-length"] ?? 0) > limitBytes) throw tooLarge(limitBytes);
    if (req.readableEnded || req.destroyed) throw unfinished();
    let chunks: Buffer[] = [];
    let size = 0;
    req.on("data", (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= limitBytes) return;
      chunks = [];
      reject(tooLarge(limitBytes));
    });
    req.on("end", () => resolve(joined(chunks, size)));
    req.on("error", () => reject(unfinished()));
  });
}

function joined(chunks: readonly Buffer[], size: number): Buffer {
  const [first] = chunks;
  return first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks, size);
}

function refuseEncoding(req: IncomingMessage): void {
  const encoding = req.headers["content-encoding"];
  if (encoding === undefined || encoding.toLowerCase() === "identity") return;
  throw new ProviderError("request_malformed", "A compressed body is not accepted.", {
    faults: [{ at: "Content-Encoding", message: "must be absent or identity" }],
  });
}

function tooLarge(limitBytes: number): ProviderError {
  return new ProviderError("body_too_large", `The body is larger than ${limitBytes} bytes.`);
}

function unfinished(): ProviderError {
  return new ProviderError("request_malformed", "The connection ended before the body was complete.");
}

/** Keeps the raw bytes for `rawBody`, whatever their content type. */
export function bytesBody(limitBytes: number): RequestHandler {
  return async function receiveBytes(req, _res, next) {
    received.set(req, { bytes: await readBody(req, limitBytes) });
    next();
  };
}

/** Reads a body of `application/json` or `application/…+json` in UTF-8 for `jsonOf`, and keeps its bytes. */
export function jsonBody(limitBytes: number, limits: JsonLimits = {}): RequestHandler {
  return async function receiveJson(req, _res, next) {
    refuseOtherType(req, jsonType, "application/json");
    const bytes = await readBody(req, limitBytes);
    received.set(req, { bytes, json: parseJson(bytes, limits) });
    next();
  };
}

/** The value that `jsonBody` would keep, for a route that has no handlers before it. */
export async function readJson(req: IncomingMessage, limitBytes: number, limits: JsonLimits = {}): Promise<unknown> {
  refuseOtherType(req, jsonType, "application/json");
  return parseJson(await readBody(req, limitBytes), limits);
}

/** Reads a body of `application/x-www-form-urlencoded` for `formOf`, and keeps its bytes. */
export function formBody(limitBytes: number): RequestHandler {
  return async function receiveForm(req, _res, next) {
    refuseOtherType(req, formType, "application/x-www-form-urlencoded");
    const bytes = await readBody(req, limitBytes);
    received.set(req, { bytes, form: parseForm(bytes) });
    next();
  };
}

/**
 * Reads a form of `multipart/form-data` for `formOf` and `filesOf`. What is larger than the limit is refused by the length
 * that it says it has, or as soon as more has come: it is never in memory whole.
 */
export function uploadBody(limitBytes: number): RequestHandler {
  return async function receiveUpload(req, _res, next) {
    refuseOtherType(req, uploadType, "multipart/form-data");
    received.set(req, { bytes: NOTHING, ...(await parseMultipart(req, await readBody(req, limitBytes))) });
    next();
  };
}

/** The exact bytes that came, for checks of a signature. Needs `jsonBody`, `formBody` or another of the handlers above on the route; after `uploadBody` there are none. */
export function rawBody(req: IncomingMessage): Buffer {
  return receivedBy(req).bytes;
}

/** What `jsonBody` read: any JSON value, still to be checked against a schema. */
export function jsonOf(req: IncomingMessage): unknown {
  return receivedBy(req).json;
}

/** What `formBody` read. */
export function formOf(req: IncomingMessage): Form {
  const { form } = receivedBy(req);
  if (form === undefined) throw new ProviderError("internal", "The route does not read a form.");
  return form;
}

/** The files that `uploadBody` read. */
export function filesOf(req: IncomingMessage): ReadonlyMap<string, SentFile> {
  const { files } = receivedBy(req);
  if (files === undefined) throw new ProviderError("internal", "The route does not read files.");
  return files;
}

function receivedBy(req: IncomingMessage): Received {
  const body = received.get(req);
  if (body === undefined) throw new ProviderError("internal", "The route does not read a body.");
  return body;
}

const jsonType = /^application\/(?:[a-z0-9.-]+\+)?json$/;
const formType = /^application\/x-www-form-urlencoded$/;
const uploadType = /^multipart\/form-data$/;
const NOTHING = Buffer.alloc(0);
const utf8 = /^charset="?(?:utf-8|us-ascii)"?$/;

function refuseOtherType(req: IncomingMessage, wanted: RegExp, name: string): void {
  const header = req.headers["content-type"] ?? "";
  if (header === name || isType(header, wanted)) return;
  throw new ProviderError("request_malformed", `The body must be ${name} in UTF-8.`, {
    faults: [{ at: "Content-Type", message: `must be ${name}` }],
  });
}

function isType(header: string, wanted: RegExp): boolean {
  const [type = "", ...parameters] = header
    .toLowerCase()
    .split(";")
    .map((part) => part.trim());
  return wanted.test(type) && parameters.every((text) => !text.startsWith("charset=") || utf8.test(text));
}
