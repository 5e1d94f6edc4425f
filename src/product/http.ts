import { createHmac } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { z } from "zod";
import { systemClock } from "../clock.ts";
import {
  type Product,
  type ProductAnswer,
  type ProductCall,
  type ProductVerb,
  Refused,
  RetryLater,
} from "./product.ts";

const ANSWER_LIMIT_BYTES = 64 * 1024;
const MESSAGE_LIMIT = 500;

const answerShape = z.looseObject({
  config: z.record(z.string(), z.string()).nullish(),
  message: z.string().nullish(),
});

export interface HttpProductOptions {
  /** `PRODUCT_URL`: each call is a POST to it. */
  readonly url: string;
  /** `PRODUCT_SECRET`: any string of at least 24 characters. */
  readonly secret: string;
}

/** The Standard Webhooks key made from `PRODUCT_SECRET`, in the form the vendor's library takes. */
export function productSigningKey(secret: string): string {
  return `whsec_${createHmac("sha256", secret).update("stallholder product calls v1").digest("base64")}`;
}

/**
 * The product behind an address. Each call is one POST, signed per Standard Webhooks with the operation as message id:
 * 202 = not yet; another 2xx with `{config?, message?}` = done; 4xx with `message` = refused; anything else is a fault.
 * Redirects are not followed: the signature is for one address.
 */
export function httpProduct({ url, secret }: HttpProductOptions): Product {
  const signer = new Webhook(productSigningKey(secret));

  const ask = async (verb: ProductVerb, call: ProductCall, signal: AbortSignal): Promise<ProductAnswer> => {
    const body = JSON.stringify({ type: verb, ...call });
    const id = `${call.operationId}.${verb}`;
    // The receiver judges freshness by the real clock, so this one is not business time.
    const timestamp = systemClock.now();
    const response = await reached(url, {
      method: "POST",
      redirect: "manual",
      signal,
      headers: {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": String(Math.floor(timestamp.getTime() / 1000)),
        "webhook-signature": signer.sign(id, timestamp, body),
      },
      body,
    });
    return understood(response.status, await limitedText(response), response.headers.get("retry-after"));
  };

  return {
    provision: (call, signal) => ask("provision", call, signal),
    changePlan: (call, signal) => ask("changePlan", call, signal),
    suspend: (call, signal) => ask("suspend", call, signal),
    resume: (call, signal) => ask("resume", call, signal),
    rotate: (call, signal) => ask("rotate", call, signal),
    deprovision: (call, signal) => ask("deprovision", call, signal),
  };
}

async function reached(url: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request);
  } catch (fault) {
    throw new Error(`The product could not be reached (${reasonOf(fault)}).`, { cause: fault });
  }
}

/** fetch says "fetch failed" and keeps the reason in `cause`. */
function reasonOf(fault: unknown): string {
  const { cause = fault } = fault as { cause?: unknown };
  const { code } = Object(cause) as { code?: unknown };
  return typeof code === "string" ? code : String(cause);
}

function understood(status: number, text: string, retryAfter: string | null): ProductAnswer {
  if (status === 202) throw new RetryLater(seconds(retryAfter));
  if (status >= 200 && status < 300) return answered(status, text);
  // 401 is a fault of the signature, ours or theirs; 408, 425 and 429 say "again", not "never".
  if (status >= 400 && status < 500 && ![401, 408, 425, 429].includes(status)) {
    const { message } = answered(status, text);
    if (message !== undefined) throw new Refused(message.slice(0, MESSAGE_LIMIT));
  }
  throw new Error(`The product answered ${status}.`);
}

function answered(status: number, text: string): ProductAnswer {
  if (text.trim() === "") return {};
  const parsed = answerShape.safeParse(asJson(text));
  if (!parsed.success) throw new Error(`The product answered ${status} with something other than {config?, message?}.`);
  const { config, message } = parsed.data;
  return { ...(config ? { config } : {}), ...(message ? { message: message.slice(0, MESSAGE_LIMIT) } : {}) };
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function limitedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > ANSWER_LIMIT_BYTES) throw new Error("The product's answer is larger than 64 kB.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function seconds(header: string | null): number | undefined {
  const value = Number(header);
  return header !== null && Number.isFinite(value) && value >= 0 ? Math.min(value, 3_600) : undefined;
}
