import { referenceIn, textIn } from "../../json.ts";
import { withApp } from "../lookups.ts";
import { type Answer, invalid, ok, type Refusal } from "../model/answers.ts";
import { configVarsOf, createApp, findApp, teamOf } from "../model/apps.ts";
import { isRegion } from "../model/manifest.ts";
import { isAppName } from "../model/names.ts";
import type { App, Platform, Team } from "../model/platform.ts";
import { appView } from "../model/views.ts";
import { page } from "../paging.ts";
import { announceApp } from "../partner/events.ts";
import type { Call, Route } from "../route.ts";

export const appRoutes: readonly Route[] = [
  { method: "get", path: "/apps", who: "customer", answer: list },
  { method: "post", path: "/apps", who: "customer", answer: (call) => create(call, undefined) },
  { method: "post", path: "/teams/apps", who: "customer", answer: createForTeam },
  {
    method: "get",
    path: "/apps/:app",
    who: "both",
    answer: withApp(({ platform }, app) => ok(appView(platform, app))),
  },
  { method: "patch", path: "/apps/:app", who: "customer", answer: withApp(rename) },
  { method: "get", path: "/apps/:app/config-vars", who: "customer", answer: withApp(configVars) },
  { method: "patch", path: "/apps/:app/config-vars", who: "customer", answer: withApp(setConfigVars) },
  { method: "get", path: "/apps/:app/releases", who: "customer", answer: withApp(releases) },
];

function list(call: Call): Answer {
  return page(
    call,
    [...call.platform.state.apps.values()].map((app) => appView(call.platform, app)),
  );
}

function createForTeam(call: Call): Answer | Refusal {
  const team = referenceIn(call.body, "team");
  return team === undefined ? invalid("team is missing.") : create(call, teamOf(call.platform.state, team));
}

function create({ body, platform }: Call, team: Team | undefined): Answer | Refusal {
  const name = textIn(body, "name") ?? "";
  const region = referenceIn(body, "region") ?? "us";
  const refusal = nameRefusal(platform, name);
  if (refusal) return refusal;
  if (!isRegion(region)) return invalid(`There is no region ${region}.`);
  return ok(appView(platform, createApp(platform, { name, region, ...(team && { team }) })), 201);
}

/** The provider hears of it by a webhook only: it must not key on names. */
function rename({ body, platform }: Call, app: App): Answer | Refusal {
  const name = textIn(body, "name") ?? app.name;
  const refusal = name === app.name ? undefined : nameRefusal(platform, name);
  if (refusal) return refusal;
  app.name = name;
  announceApp(platform, app, "update");
  return ok(appView(platform, app));
}

function nameRefusal({ state }: Platform, name: string): Refusal | undefined {
  if (!isAppName(name))
    return invalid("Name must start with a letter and hold 3 to 30 lower-case letters, digits and -.");
  return findApp(state, name) ? invalid(`Name ${name} is already taken.`) : undefined;
}

function configVars({ platform }: Call, app: App): Answer {
  return ok(configVarsOf(platform.state, app));
}

/** Only the customer's own variables; those of add-ons belong to the add-on. */
function setConfigVars({ platform, body }: Call, app: App): Answer | Refusal {
  const attached = Object.keys(configVarsOf(platform.state, app)).filter((name) => !app.ownVars.has(name));
  const blocked = Object.keys(body).find((name) => attached.includes(name));
  if (blocked !== undefined) return invalid(`Cannot overwrite the attachment value ${blocked}.`);
  for (const [name, value] of Object.entries(body)) {
    if (typeof value === "string") app.ownVars.set(name, value);
    else app.ownVars.delete(name);
  }
  app.release += 1;
  return ok(configVarsOf(platform.state, app));
}

/** Every change of config vars is a release; only the numbers matter here. */
function releases(call: Call, app: App): Answer {
  const versions = Array.from({ length: app.release }, (_, index) => index + 1);
  return page(
    call,
    versions.map((version) => ({
      id: `${app.id}-${version}`,
      version,
      status: "succeeded",
      current: version === app.release,
      description: version === 1 ? "Initial release" : "Set config vars",
      user: { id: app.owner.id, email: app.owner.email },
      created_at: app.createdAt.toISOString(),
    })),
  );
}
