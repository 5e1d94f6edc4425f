import { createHash, timingSafeEqual } from "node:crypto";
import { textIn } from "../../json.ts";
import { ok, refuse } from "../model/answers.ts";
import { issueTokens, redeemCode, redeemRefreshToken } from "../model/grants.ts";
import type { Call, Route } from "../route.ts";

export const oauthRoutes: readonly Route[] = [
  { method: "post", path: "/oauth/token", who: "anybody", answer: exchangeToken },
];

/** Takes form, JSON or query, as the platform does. */
function exchangeToken(call: Call) {
  const { platform } = call;
  const given = { ...call.query, ...call.body };
  if (!sameSecret(textIn(given, "client_secret"), platform.clientSecret)) {
    platform.journal.blame("client_secret", "The token endpoint was called with a wrong client secret.", null);
    return refuse(401, "unauthorized", "The client secret is wrong.");
  }
  const grantType = textIn(given, "grant_type");
  if (grantType === "authorization_code") {
    const addon = redeemCode(platform, textIn(given, "code") ?? "");
    return addon
      ? ok(issueTokens(platform, addon))
      : refuse(400, "invalid_grant", "The code is unknown, used or expired.");
  }
  if (grantType === "refresh_token") {
    const token = textIn(given, "refresh_token") ?? "";
    const addon = redeemRefreshToken(platform, token);
    return addon
      ? ok(issueTokens(platform, addon, token))
      : refuse(400, "invalid_grant", "The refresh token is not valid.");
  }
  return refuse(400, "unsupported_grant_type", "grant_type must be authorization_code or refresh_token.");
}

function sameSecret(given: string | undefined, expected: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return given !== undefined && timingSafeEqual(digest(given), digest(expected));
}
