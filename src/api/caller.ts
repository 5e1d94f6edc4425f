import type { IncomingMessage } from "node:http";
import type { Request, RequestHandler } from "express";
import type { Scope } from "../credentials/credentials.ts";
import { ProviderError } from "../errors.ts";
import { bearerToken } from "../http/basic-auth.ts";
import { type FailedAttempts, refusing, wrongCredentials } from "../http/failed-attempts.ts";
import { noteRequest } from "../http/request-log.ts";
import type { Provider } from "../provider/contract.ts";
import { secretTest } from "../same-secret.ts";

/** Who calls our API: the vendor's product, or the holder of a tenant's API key. */
export type Caller = { readonly kind: "product" } | KeyHolder;

interface KeyHolder {
  readonly kind: "key";
  readonly tenant: string;
  readonly scopes: readonly Scope[];
}

export interface Guard {
  readonly provider: Provider;
  readonly productSecret: string;
  readonly attempts: FailedAttempts;
}

const callers = new WeakMap<Request, Caller>();

/** Lets in the product, and keys that have `scope`; before a byte of the body is read. */
export function admit(guard: Guard, scope: Scope): RequestHandler {
  const admitted = admission(guard, scope);
  return refusing(guard.attempts, async function admitCaller(req, _res, next) {
    callers.set(req, await admitted(req));
    next();
  });
}

/** As `admit`, for a route that is answered before the app. Throws `not_authenticated`, which `refusing` must hear of. */
export function admission(guard: Guard, scope: Scope): (req: IncomingMessage) => Promise<Caller> {
  const isProduct = secretTest(guard.productSecret);
  return async function callerOfRequest(req) {
    const token = bearerToken(req);
    if (token === undefined) throw wrongCredentials();
    if (isProduct(token)) return { kind: "product" };
    const caller = await holderOf(guard, token);
    noteRequest(req, { tenant: caller.tenant });
    if (caller.scopes.includes(scope)) return caller;
    throw new ProviderError("not_permitted", `This API key lacks the scope ${scope}.`);
  };
}

async function holderOf({ provider }: Guard, token: string): Promise<KeyHolder> {
  const verdict = await provider.verifyKey(token);
  if (verdict.valid) return { kind: "key", tenant: verdict.tenant, scopes: verdict.scopes };
  if (verdict.code === "suspended") throw new ProviderError("tenant_suspended", "This tenant is suspended.");
  throw wrongCredentials();
}

export function callerOn(req: Request): Caller {
  const caller = callers.get(req);
  if (caller === undefined) throw new Error("The route admits nobody.");
  return caller;
}

/**
 * The tenant a call is about: a key's own; the product names one. Another tenant named with a key is answered like one
 * that does not exist.
 */
export function tenantOfCall(caller: Caller, named: string | undefined): string {
  if (caller.kind === "key") {
    if (named !== undefined && named !== caller.tenant)
      throw new ProviderError("tenant_not_found", "There is no such tenant.");
    return caller.tenant;
  }
  if (named !== undefined) return named;
  throw new ProviderError("request_malformed", "The request is malformed.", {
    faults: [{ at: "/tenant", message: "is missing" }],
  });
}
