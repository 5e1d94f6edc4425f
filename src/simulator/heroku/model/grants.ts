import { randomBytes, randomUUID } from "node:crypto";
import { isLive } from "./addons.ts";
import type { Addon, Platform } from "./platform.ts";

const CODE_LIVES_MS = 5 * 60_000;
const ACCESS_TOKEN_LIVES_S = 28_799;

/** A code with which the provider gets its tokens, once, within five minutes. */
export function issueGrant(platform: Platform, addon: Addon) {
  const lives = platform.faults.take("expire_grant") === undefined ? CODE_LIVES_MS : -1_000;
  const grant = { code: randomUUID(), addon, expiresAt: platform.clock.in(lives), used: false };
  platform.state.grants.set(grant.code, grant);
  return { code: grant.code, type: "authorization_code", expires_at: grant.expiresAt.toISOString() };
}

/** Uses the code up; undefined when it is unknown, used, too old, or its add-on is gone. */
export function redeemCode(platform: Platform, code: string): Addon | undefined {
  const grant = platform.state.grants.get(code);
  if (!grant || grant.used || grant.expiresAt <= platform.clock.now() || !isLive(grant.addon)) return undefined;
  grant.used = true;
  return grant.addon;
}

export function redeemRefreshToken({ state }: Platform, token: string): Addon | undefined {
  const addon = state.refreshTokens.get(token);
  return addon && isLive(addon) ? addon : undefined;
}

/** A new access token; the refresh token is made once and lives as long as the add-on. */
export function issueTokens(
  { state, clock }: Platform,
  addon: Addon,
  refreshToken = `sim-refresh-${randomBytes(24).toString("hex")}`,
) {
  const accessToken = `sim-access-${randomBytes(24).toString("hex")}`;
  state.accessTokens.set(accessToken, {
    addon,
    expiresAt: new Date(clock.now().getTime() + ACCESS_TOKEN_LIVES_S * 1_000),
  });
  state.refreshTokens.set(refreshToken, addon);
  return {
    access_token: accessToken,
    refresh_token: refreshToken,
    expires_in: ACCESS_TOKEN_LIVES_S,
    token_type: "Bearer",
    user_id: addon.app.owner.id,
    session_nonce: null,
  };
}
