import type { RequestHandler } from "express";
import { bearerToken } from "../http/basic-auth.ts";
import type { FailedAttempts } from "../http/failed-attempts.ts";
import { secretTest } from "../same-secret.ts";

export interface VendorGuard {
  readonly productSecret: string;
  readonly operatorToken: string | undefined;
  readonly attempts: FailedAttempts;
}

/** Lets in the vendor's product and its operators, and no tenant's key; before a byte of the body is read. */
export function admitVendor({ productSecret, operatorToken, attempts }: VendorGuard): RequestHandler {
  const tests = [productSecret, ...(operatorToken === undefined ? [] : [operatorToken])].map((one) => secretTest(one));
  return async function admitVendorOnly(req, res, next) {
    const token = bearerToken(req);
    if (token === undefined || !tests.some((is) => is(token))) return attempts.refuse(req, res, next);
    next();
  };
}
