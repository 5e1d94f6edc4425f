import type { IncomingMessage } from "node:http";
import type { RequestHandler } from "express";
import { ProviderError } from "../../../errors.ts";
import { readBody } from "../../../http/body.ts";
import { type Form, parseForm } from "../../../http/form.ts";

const BODY_LIMIT = 64 * 1024;
const MOST_FIELDS = 50;

const forms = new WeakMap<IncomingMessage, Form>();

/**
 * Reads the buyer's form, in either of the two types in which it comes, and decodes it exactly once. Throws
 * `request_malformed` for anything else.
 */
export const readRegistration: RequestHandler = async (req, _res, next) => {
  const type = (req.headers["content-type"] ?? "").toLowerCase();
  const bytes = await readBody(req, BODY_LIMIT);
  forms.set(req, type.startsWith("multipart/form-data") ? await parseMultipart(req, bytes) : formOfType(type, bytes));
  next();
};

export function registrationOf(req: IncomingMessage): Form {
  return forms.get(req) ?? new Map();
}

function formOfType(type: string, bytes: Buffer): Form {
  if (type.split(";", 1)[0]?.trim() === "application/x-www-form-urlencoded") return parseForm(bytes);
  throw malformed();
}

const malformed = (): ProviderError => new ProviderError("request_malformed", "The form could not be read.");

/** Text fields only; a file, or more of anything than a registration has, is no registration. */
async function parseMultipart({ headers }: IncomingMessage, bytes: Buffer): Promise<Form> {
  const type = headers["content-type"] ?? "";
  const fields = await new Response(new Uint8Array(bytes), { headers: { "content-type": type } }).formData().then(
    (data) => [...data],
    () => {
      throw malformed();
    },
  );
  if (fields.length > MOST_FIELDS) throw malformed();
  const form = new Map<string, string[]>();
  for (const [name, value] of fields) {
    if (typeof value !== "string" || value.includes("\0")) throw malformed();
    form.set(name, [...(form.get(name) ?? []), value]);
  }
  return form;
}
