import type { IncomingMessage } from "node:http";
import type { RequestHandler } from "express";
import { ProviderError } from "../../../errors.ts";
import { readBody } from "../../../http/body.ts";
import { type Form, parseForm } from "../../../http/form.ts";
import { parseMultipart } from "../../../http/multipart.ts";

const BODY_LIMIT = 64 * 1024;

const forms = new WeakMap<IncomingMessage, Form>();

/**
 * Reads the buyer's form, in either of the two types in which it comes, and decodes it exactly once. Throws
 * `request_malformed` for anything else.
 */
export const readRegistration: RequestHandler = async (req, _res, next) => {
  const type = (req.headers["content-type"] ?? "").toLowerCase();
  const bytes = await readBody(req, BODY_LIMIT);
  forms.set(req, type.startsWith("multipart/form-data") ? await fieldsOf(req, bytes) : formOfType(type, bytes));
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

/** Text fields only: a file is no registration. */
async function fieldsOf(req: IncomingMessage, bytes: Buffer): Promise<Form> {
  const { form, files } = await parseMultipart(req, bytes);
  if (files.size > 0) throw malformed();
  return form;
}
