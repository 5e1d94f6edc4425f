import { randomUUID } from "node:crypto";
import { asJsonObject, isJsonObject, type JsonObject, textIn } from "../json.ts";
import type { Answer } from "./model/answers.ts";
import { isRegion, type SimulatorManifest } from "./model/manifest.ts";
import type { Platform, PushedManifest } from "./model/platform.ts";
import type { Call, Route } from "./route.ts";

const BASE = "/api/v3/addons/:slug";

/** The server that a provider's developer pushes the manifest to. Errors have a shape of their own there. */
export const manifestRoutes: readonly Route[] = [
  { method: "get", path: `${BASE}/current_manifest`, who: "anybody", answer: forDeveloper(showCurrent) },
  { method: "get", path: `${BASE}/manifests`, who: "anybody", answer: forDeveloper(list) },
  { method: "get", path: `${BASE}/manifests/:manifest`, who: "anybody", answer: forDeveloper(showOne) },
  { method: "post", path: `${BASE}/manifests`, who: "anybody", answer: forDeveloper(push) },
];

const NOT_FOUND: Answer = { status: 404, body: { error: "Not found." } };

function forDeveloper(answer: (call: Call) => Answer) {
  return (call: Call): Answer => {
    const bearer = /^Bearer \S+/.test(call.header("authorization") ?? "");
    return bearer ? answer(call) : { status: 401, body: { error: "Invalid credentials provided." } };
  };
}

/** Newest last. */
function pushedFor({ platform, params }: Call): readonly PushedManifest[] {
  return platform.state.manifests.filter((pushed) => pushed.slug === params["slug"]);
}

function showCurrent(call: Call): Answer {
  const current = pushedFor(call).at(-1);
  return current ? { status: 200, body: { contents: current.contents } } : NOT_FOUND;
}

function list(call: Call): Answer {
  const rows = pushedFor(call).map(({ id, createdAt }) => ({ id, created_at: createdAt.toISOString() }));
  return { status: 200, body: rows.toReversed() };
}

function showOne(call: Call): Answer {
  const pushed = pushedFor(call).find(({ id }) => id === call.params["manifest"]);
  return pushed ? { status: 200, body: { contents: pushed.contents } } : NOT_FOUND;
}

/** Every fault is named at once. A good manifest of the service played here takes effect at once. */
function push(call: Call): Answer {
  const contents = asJsonObject(call.body["contents"]);
  const base = faultsOf(contents, call.params["slug"] ?? "");
  if (base.length > 0) return { status: 422, body: { error: { base } } };
  const pushed = keepManifest(call.platform, contents);
  const { manifest } = call.platform.state;
  if (pushed.slug === manifest.id) {
    call.platform.state.manifest = { ...manifest, name: String(contents["name"]), api: apiOf(manifest, contents) };
  }
  return { status: 200, body: { contents: pushed.contents } };
}

/** Keeps the manifest as the server does: with the `$base` of this version. */
export function keepManifest({ state, clock }: Platform, contents: JsonObject): PushedManifest {
  const slug = textIn(contents, "id") ?? "";
  const base = state.manifests.filter((one) => one.slug === slug).length + 1;
  const pushed = { id: randomUUID(), slug, createdAt: clock.now(), contents: { ...contents, $base: base } };
  state.manifests.push(pushed);
  return pushed;
}

/** Members that were left out of the push keep what they were. */
function apiOf(manifest: SimulatorManifest, contents: JsonObject): SimulatorManifest["api"] {
  return { ...manifest.api, ...asJsonObject(contents["api"]) };
}

function faultsOf(contents: JsonObject, slug: string): readonly string[] {
  const api = asJsonObject(contents["api"]);
  const prefix = textIn(api, "config_vars_prefix") ?? slug.toUpperCase().replaceAll("-", "_");
  const regions = textsIn(api["regions"]);
  const vars = textsIn(api["config_vars"]);
  const checks: readonly (readonly [boolean, string])[] = [
    [textIn(contents, "id") === slug, `id must be ${slug}; it cannot change after the first push`],
    [/^[a-z][a-z0-9-]*$/.test(slug), "id must be lower case, without spaces or punctuation"],
    [textIn(contents, "name") !== undefined, "name is missing"],
    [textIn(api, "password") !== undefined, "api.password is missing"],
    [api["username"] === undefined, "api.username is not used any more"],
    [regions !== undefined && regions.length > 0, "api.regions must be a list with at least one region"],
    [
      (regions ?? []).every((region) => region === "*" || isRegion(region)),
      "api.regions has a region that does not exist",
    ],
    [vars !== undefined, "api.config_vars must be a list of names"],
    [(vars ?? []).every((name) => name.startsWith(`${prefix}_`)), `api.config_vars must all begin with ${prefix}_`],
    ...urlChecks(api["production"]),
  ];
  return checks.filter(([good]) => !good).map(([, message]) => message);
}

function urlChecks(production: unknown): readonly (readonly [boolean, string])[] {
  const { base_url, sso_url } = isJsonObject(production) ? production : {};
  return [
    [isHttps(base_url), "api.production.base_url must be an https URL"],
    [isHttps(sso_url), "api.production.sso_url must be an https URL"],
  ];
}

function isHttps(value: unknown): boolean {
  return typeof value === "string" && value.startsWith("https://") && URL.canParse(value);
}

function textsIn(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
}
