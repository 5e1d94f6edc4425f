import type { IncomingMessage } from "node:http";
import busboy from "busboy";
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
function parseMultipart({ headers }: IncomingMessage, bytes: Buffer): Promise<Form> {
  return new Promise((resolve, reject) => {
    const form = new Map<string, string[]>();
    const refuse = (): void => reject(malformed());
    try {
      const limits = { fields: MOST_FIELDS, files: 0, parts: MOST_FIELDS, fieldSize: BODY_LIMIT, fieldNameSize: 200 };
      const parser = busboy({ headers, limits, defParamCharset: "utf8" });
      parser.on("field", (name, value, { valueTruncated, nameTruncated }) => {
        if (valueTruncated || nameTruncated || value.includes("\0")) return refuse();
        form.set(name, [...(form.get(name) ?? []), value]);
      });
      parser.on("filesLimit", refuse).on("fieldsLimit", refuse).on("partsLimit", refuse).on("error", refuse);
      parser.on("close", () => resolve(form));
      parser.end(bytes);
    } catch {
      refuse();
    }
  });
}
