import { createHash } from "node:crypto";
import type { CookieOptions, Request, Response } from "express";
import { z } from "zod";
import { sameSecret } from "../../../same-secret.ts";
import type { AwsOptions } from "../options.ts";

/** Which registration a browser came with: the digest of its token, and until when that is remembered. */
const shape = z.object({ digest: z.string(), until: z.number() });

const LIFE_MS = 4 * 3_600_000;
const CONTEXT = { tenant: "aws", field: "setup-reference", id: "cookie" };

const isSecure = ({ publicUrl }: AwsOptions): boolean => publicUrl.startsWith("https:");
const nameOf = (options: AwsOptions): string =>
  isSecure(options) ? "__Secure-stallholder-setup" : "stallholder-setup";

const cookieOf = (options: AwsOptions): CookieOptions => ({
  path: "/aws",
  httpOnly: true,
  sameSite: "lax",
  secure: isSecure(options),
});

/** Gives the browser a sealed reference to its registration; never the token, nor anything made from it that can be read. */
export function giveReference(options: AwsOptions, res: Response, digest: string): void {
  const until = options.clock.now().getTime() + LIFE_MS;
  const sealed = options.vault.seal(CONTEXT, JSON.stringify({ digest, until }));
  res.cookie(nameOf(options), sealed, { ...cookieOf(options), maxAge: LIFE_MS, encode: String });
}

export interface Reference {
  readonly digest: string;
  /** For the forms of a page: only who holds the cookie knows it, and only this browser's. */
  readonly formToken: string;
}

/** The registration that this browser came with, if it brings one that is still good. */
export function referenceOn(options: AwsOptions, req: Request): Reference | undefined {
  const sealed = cookieNamed(req, nameOf(options));
  if (sealed === undefined) return undefined;
  const opened = shape.safeParse(openedOf(options, sealed));
  if (!opened.success || opened.data.until < options.clock.now().getTime()) return undefined;
  return { digest: opened.data.digest, formToken: formTokenOf(sealed) };
}

const formTokenOf = (sealed: string): string => createHash("sha256").update(`form of ${sealed}`).digest("base64url");

export const isFormToken = ({ formToken }: Reference, given: string | undefined): boolean =>
  sameSecret(given ?? "", formToken);

function openedOf({ vault }: AwsOptions, sealed: string): unknown {
  try {
    return JSON.parse(vault.open(CONTEXT, sealed));
  } catch {
    return undefined;
  }
}

function cookieNamed(req: Request, name: string): string | undefined {
  const pairs = (req.headers.cookie ?? "").split(";").map((pair) => pair.trim());
  const found = pairs.find((pair) => pair.startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}
