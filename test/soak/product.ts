import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Webhook } from "standardwebhooks";
import { PRODUCT_VAR } from "./installation.ts";
import { listenLocally } from "./listen-locally.ts";

/** How the product takes an operation it has not heard of before. */
export type Temper =
  | { readonly kind: "prompt" }
  /** Does it after this time. */
  | { readonly kind: "slow"; readonly ms: number }
  /** Answers "not yet" so many times. */
  | { readonly kind: "later"; readonly times: number }
  /** Fails so many times without doing anything. */
  | { readonly kind: "fails"; readonly times: number }
  /** Does it, and the answer is lost so many times. */
  | { readonly kind: "silent"; readonly times: number }
  /** Refuses for good, where the product may refuse. */
  | { readonly kind: "refuses" };

interface ProductCall {
  readonly type: string;
  readonly operationId: string;
  readonly plan: string;
  readonly tenant: { readonly id: string; readonly resourceId: string };
}

/** One operation as the product knows it. */
interface Entry {
  readonly call: ProductCall;
  readonly temper: Temper;
  asked: number;
  applied: number;
}

/** What the product keeps of a tenant. */
export interface Kept {
  readonly plan: string;
  /** The value of the product's config var that was answered last. */
  readonly index: string;
}

export interface Product {
  readonly url: string;
  /** Tenants that exist at the product. */
  readonly tenants: ReadonlyMap<string, Kept>;
  /** By operation and verb. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** What no product should see: a bad signature, one operation with two meanings. */
  readonly offences: readonly string[];
  readonly inFlight: number;
  readonly calls: number;
  /** The tempers of the next new operations; after them it is prompt. */
  next(...tempers: readonly Temper[]): void;
  calm(): void;
  reset(): void;
  close(): Promise<void>;
}

const MAY_REFUSE = new Set(["provision", "changePlan"]);
const PROMPT: Temper = { kind: "prompt" };

/** A product over HTTP with a ledger of its own, written only by what it was asked. */
export async function startProduct(secret: string): Promise<Product> {
  const key = createHmac("sha256", secret).update("stallholder product calls v1").digest("base64");
  const signed = new Webhook(key);
  const tenants = new Map<string, Kept>();
  const entries = new Map<string, Entry>();
  const offences: string[] = [];
  const tempers: Temper[] = [];
  let inFlight = 0;
  let calls = 0;

  const entryOf = (call: ProductCall): Entry => {
    const name = `${call.operationId} ${call.type}`;
    const known = entries.get(name);
    if (known !== undefined) {
      if (known.call.tenant.id !== call.tenant.id || known.call.plan !== call.plan)
        offences.push(`Operation ${name} was asked with another meaning.`);
      return known;
    }
    const entry = { call, temper: tempers.shift() ?? PROMPT, asked: 0, applied: 0 };
    entries.set(name, entry);
    return entry;
  };

  const apply = ({ type, plan, tenant, operationId }: ProductCall): void => {
    if (type === "deprovision") tenants.delete(tenant.id);
    if (type === "provision" || type === "changePlan") {
      tenants.set(tenant.id, { plan, index: `${plan}-${operationId.slice(0, 8)}` });
    }
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const text = await textOf(request);
    const call = verified(signed, text, request);
    if (call === undefined) {
      offences.push(`A call was not signed: ${text.slice(0, 80)}`);
      return say(response, 401, {});
    }
    const entry = entryOf(call);
    entry.asked += 1;
    const evasion = evasionOf(entry);
    if (evasion !== undefined) return say(response, ...evasion);
    await sleep(delayOf(entry));
    // Whoever asked has given up: the contract wants the product to do so, too.
    if (response.destroyed) return;
    if (entry.applied === 0) apply(call);
    entry.applied += 1;
    if (isLost(entry)) return void response.destroy();
    const kept = tenants.get(call.tenant.id);
    say(response, 200, MAY_REFUSE.has(call.type) && kept ? { config: { [PRODUCT_VAR]: kept.index } } : {});
  };

  const server = createServer((request, response) => {
    inFlight += 1;
    calls += 1;
    void answer(request, response)
      .catch(() => response.destroy())
      .finally(() => {
        inFlight -= 1;
      });
  });
  const { origin, close } = await listenLocally(server);

  return {
    url: `${origin}/`,
    tenants,
    entries,
    offences,
    get inFlight() {
      return inFlight;
    },
    get calls() {
      return calls;
    },
    next: (...more) => void tempers.push(...more),
    calm: () => {
      tempers.length = 0;
    },
    reset: () => {
      tempers.length = 0;
      tenants.clear();
      entries.clear();
    },
    close,
  };
}

type Said = readonly [status: number, body: object, headers?: Readonly<Record<string, string>>];

/** An answer that leaves the thing undone. */
function evasionOf({ temper, call, asked }: Entry): Said | undefined {
  if (temper.kind === "refuses" && MAY_REFUSE.has(call.type)) return [422, { message: "The product refuses this." }];
  if (temper.kind === "later" && asked <= temper.times) return [202, {}, { "retry-after": "1" }];
  if (temper.kind === "fails" && asked <= temper.times) return [500, {}];
  return undefined;
}

const delayOf = ({ temper, asked }: Entry): number => (temper.kind === "slow" && asked === 1 ? temper.ms : 0);

const isLost = ({ temper, asked }: Entry): boolean => temper.kind === "silent" && asked <= temper.times;

function verified(signed: Webhook, text: string, { headers }: IncomingMessage): ProductCall | undefined {
  try {
    return signed.verify(text, headers as Record<string, string>) as ProductCall;
  } catch {
    return undefined;
  }
}

function say(response: ServerResponse, status: number, body: object, headers = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
