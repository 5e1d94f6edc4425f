import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { basicHeader, bearerHeader } from "../parties.ts";

/** What the servers without us do with a request: the least that is right. */

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();
const expected = { basic: sha256(basicHeader), bearer: sha256(bearerHeader) };

export function isAdmitted(authorization: string | undefined, scheme: keyof typeof expected): boolean {
  return timingSafeEqual(sha256(authorization ?? ""), expected[scheme]);
}

export async function readJson(req: IncomingMessage): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("error", reject);
    req.on("end", () => {
      try {
        resolve(JSON.parse(Buffer.concat(chunks).toString()));
      } catch (fault) {
        reject(fault);
      }
    });
  });
}

export function answerJson(res: ServerResponse, status: number, value: object): void {
  const text = JSON.stringify(value);
  res.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) }).end(text);
}

export interface Purchase {
  readonly uuid: string;
  readonly name: string;
  readonly plan: string;
  readonly region: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly code: string | null;
  readonly drain: string | null;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const PLANS = ["basic", "standard", "premium"];
const REGIONS: Readonly<Record<string, string>> = {
  "amazon-web-services::us-east-1": "us",
  "amazon-web-services::eu-west-1": "eu",
};

/** The purchase in a body of Heroku's, or undefined where it is none. */
export function purchaseOf(body: unknown): Purchase | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const { uuid, name, plan, region, options, oauth_grant, log_drain_token } = body as Record<string, unknown>;
  if (typeof uuid !== "string" || !UUID.test(uuid) || typeof name !== "string" || name.length > 256) return undefined;
  if (typeof plan !== "string" || !PLANS.includes(plan) || typeof region !== "string") return undefined;
  const place = REGIONS[region];
  if (place === undefined || typeof options !== "object" || options === null) return undefined;
  const code =
    typeof oauth_grant === "object" && oauth_grant !== null && "code" in oauth_grant ? oauth_grant.code : null;
  return {
    uuid,
    name,
    plan,
    region: place,
    options: options as Record<string, unknown>,
    code: typeof code === "string" ? code : null,
    drain: typeof log_drain_token === "string" ? log_drain_token : null,
  };
}

export const configVars = (key: string) => ({
  ACME_SEARCH_API_KEY: key,
  ACME_SEARCH_URL: "https://addons.acme-search.example",
});
