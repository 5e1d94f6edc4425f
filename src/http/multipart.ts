import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { ProviderError } from "../errors.ts";
import type { Form } from "./form.ts";

/** A file that somebody chose. */
export interface SentFile {
  readonly name: string;
  readonly text: string;
}

export interface Upload {
  readonly form: Form;
  /** By the name of the field; one for which no file was chosen is absent. */
  readonly files: ReadonlyMap<string, SentFile>;
}

const MOST_PARTS = 50;

/**
 * A form of `multipart/form-data`. Throws `request_malformed` for what cannot be read, for more than 50 parts, NUL in a
 * field, two files of one name, and a file that is no text in UTF-8.
 */
export async function parseMultipart({ headers }: IncomingMessage, bytes: Buffer): Promise<Upload> {
  const type = headers["content-type"] ?? "";
  const parts = await new Response(new Uint8Array(bytes), { headers: { "content-type": type } }).formData().then(
    (data) => [...data],
    () => {
      throw malformed("The form could not be read.");
    },
  );
  if (parts.length > MOST_PARTS) throw malformed("The form could not be read.");
  const form = new Map<string, string[]>();
  const files = new Map<string, SentFile>();
  for (const [name, value] of parts) {
    if (typeof value === "string") form.set(name, [...(form.get(name) ?? []), plain(value)]);
    else if (value.size === 0 && value.name === "") continue;
    else if (files.has(name)) throw malformed("There are two files where one is expected.");
    else files.set(name, { name: value.name, text: textOf(value.name, Buffer.from(await value.arrayBuffer())) });
  }
  return { form, files };
}

function plain(value: string): string {
  if (value.includes("\0")) throw malformed("The form could not be read.");
  return value;
}

function textOf(name: string, bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  throw malformed(`${name} is no text in UTF-8: save it as CSV in UTF-8, or take the file as it was downloaded.`);
}

const malformed = (message: string): ProviderError => new ProviderError("request_malformed", message);
