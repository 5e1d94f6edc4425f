import { createHash } from "node:crypto";
import { withLiveAddon } from "./lookups.ts";
import { type Answer, ok } from "./model/answers.ts";
import { findApp } from "./model/apps.ts";
import type { Addon, App, Person, Platform } from "./model/platform.ts";
import type { Call, Route } from "./route.ts";

/** The sign-in as data: what the CLI's sudo mode asks for. */
export const ssoRoutes: readonly Route[] = [
  { method: "get", path: "/addons/:addon/sso", who: "customer", answer: withLiveAddon(show) },
  { method: "get", path: "/apps/:app/addons/:addon/sso", who: "customer", answer: withLiveAddon(show) },
];

export interface SignIn {
  readonly addon: Addon;
  /** The app from which the customer comes. */
  readonly from: App;
  readonly person: Person;
}

export interface SignInForm {
  readonly method: "post";
  readonly action: string;
  readonly params: Readonly<Record<string, string>>;
}

function show(call: Call, addon: Addon): Answer {
  const from = findApp(call.platform.state, call.params["app"] ?? "") ?? addon.app;
  return ok(signInForm(call.platform, { addon, from, person: addon.app.owner }));
}

/** The form that signs a customer in at the provider, with all three tokens; good for one use within five minutes. */
export function signInForm(platform: Platform, { addon, from, person }: SignIn): SignInForm {
  const { manifest } = platform.state;
  const { sso_salt: salt } = manifest.api;
  const skew = (platform.faults.take("clock_skew") ?? 0) * 1_000;
  const timestamp = String(Math.floor(platform.clock.in(skew).getTime() / 1_000));
  const providerId = addon.providerId ?? addon.id;
  const userToken = `${addon.id}:${salt}:${timestamp}:${person.id}:${person.email}`;
  return {
    method: "post",
    action: platform.providerOrigin ? `${platform.providerOrigin}/heroku/sso` : manifest.api.production.sso_url,
    params: {
      resource_id: addon.id,
      resource_token: hash("sha1", `${addon.id}:${salt}:${timestamp}`),
      user_scoped_resource_token: hash("sha256", userToken),
      id: providerId,
      token: hash("sha1", `${providerId}:${salt}:${timestamp}`),
      timestamp,
      "nav-data": navData(platform, addon),
      email: person.email,
      user_id: person.id,
      app: addon.app.name,
      context_app: from.name,
    },
  };
}

function hash(algorithm: "sha1" | "sha256", text: string): string {
  return createHash(algorithm).update(text).digest("hex");
}

/** What Heroku's old navigation bar shows: base64url JSON. */
function navData({ state }: Platform, addon: Addon): string {
  const { id, name } = state.manifest;
  const data = { addon: name, appname: addon.app.name, addons: [{ slug: id, name, current: true }] };
  return Buffer.from(JSON.stringify(data)).toString("base64url");
}
