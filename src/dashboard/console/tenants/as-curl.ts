import type { InboundRequest } from "../../../marketplaces/marketplace.ts";

/** Where a provider under development listens. */
const LOCAL = "http://127.0.0.1:3000";

/** A command for a shell. Only the variables of secrets are expanded in it: whatever else it holds is quoted. */
export function asCurl({ method, path, authorization, headers, body }: InboundRequest): string {
  return [
    `curl -X ${method} ${quoted(`${LOCAL}${path}`)}`,
    // In double quotes, so that the shell puts in the secret; our own text in it is plain.
    "basic" in authorization
      ? `-u "${plain(authorization.basic)}"`
      : `-H "Authorization: Bearer ${plain(authorization.bearer)}"`,
    ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(body === undefined
      ? []
      : [`-H ${quoted("Content-Type: application/json")}`, `-d ${quoted(JSON.stringify(body))}`]),
  ].join(" \\\n  ");
}

const plain = (text: string): string => text.replace(/[^\w:$.-]/g, "");
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
