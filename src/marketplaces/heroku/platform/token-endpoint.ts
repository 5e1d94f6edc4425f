import { z } from "zod";
import { ProviderError } from "../../../errors.ts";
import type { HerokuOptions } from "../options.ts";
import { type Reply, send } from "./send.ts";

export interface Tokens {
  readonly access: string;
  /** Absent when the one we have goes on. */
  readonly refresh: string | undefined;
  readonly expiresInSeconds: number;
}

/** `refused`: this code or refresh token will never work. Anything that may pass is thrown. */
export type TokenAnswer = Tokens | { readonly refused: string };

type Request = { readonly code: string } | { readonly refreshToken: string };

const answerShape = z.looseObject({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1).nullish(),
  expires_in: z.number().positive(),
});
const errorShape = z.looseObject({ id: z.string().nullish(), error: z.string().nullish() });

/**
 * Exchanges a code or a refresh token at Heroku's token endpoint. Throws `marketplace_unavailable` when there is no
 * answer, or when Heroku refuses our client secret: that is for the operator to mend and no grant's fault.
 */
export async function askForTokens(
  options: HerokuOptions,
  request: Request,
  attempt: AbortSignal,
): Promise<TokenAnswer> {
  const { idUrl, clientSecret } = options.settings;
  const body = new URLSearchParams({ ...grantOf(request), client_secret: clientSecret });
  const headers = { accept: "application/json" };
  const reply = await send(`${idUrl}/oauth/token`, { method: "POST", headers, body }, attempt);
  if (reply.status >= 200 && reply.status < 300) return tokensIn(reply);
  return refusalIn(reply);
}

function grantOf(request: Request): Record<string, string> {
  return "code" in request
    ? { grant_type: "authorization_code", code: request.code }
    : { grant_type: "refresh_token", refresh_token: request.refreshToken };
}

function tokensIn({ body, status }: Reply): Tokens {
  const parsed = answerShape.safeParse(body);
  if (!parsed.success) {
    throw new ProviderError("marketplace_unavailable", `Heroku answered ${status} without usable tokens.`);
  }
  const { access_token, refresh_token, expires_in } = parsed.data;
  return { access: access_token, refresh: refresh_token ?? undefined, expiresInSeconds: expires_in };
}

function refusalIn({ body, status, retryAfter }: Reply): TokenAnswer {
  const { id, error } = errorShape.catch({}).parse(body);
  const word = id ?? error;
  if (word === "invalid_grant" || (isRefusal(status) && word !== "invalid_client")) {
    return { refused: `Heroku refused the grant (${status}).` };
  }
  const what = status === 401 || status === 403 ? "refused our client secret" : "could not give a token";
  throw new ProviderError("marketplace_unavailable", `Heroku ${what} (${status}).`, {
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
}

const isRefusal = (status: number): boolean => [400, 404, 410, 422].includes(status);
