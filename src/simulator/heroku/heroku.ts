import { Router } from "express";
import { isJsonObject } from "../json.ts";
import type { PlayedSide } from "../server.ts";
import { addonRoutes } from "./customer/addons.ts";
import { appRoutes } from "./customer/apps.ts";
import { attachmentRoutes } from "./customer/attachments.ts";
import { peopleRoutes } from "./customer/people.ts";
import { resolveRoutes } from "./customer/resolve.ts";
import { serviceRoutes } from "./customer/services.ts";
import { usageRoutes } from "./customer/usage.ts";
import { keepManifest, manifestRoutes } from "./manifests.ts";
import { createApp, personOf, teamOf } from "./model/apps.ts";
import type { SimulatorManifest } from "./model/manifest.ts";
import type { Platform, State } from "./model/platform.ts";
import { pageRoutes } from "./pages/page-routes.tsx";
import { shopSections } from "./pages/shop.tsx";
import { actionRoutes } from "./partner/actions.ts";
import { addonConfigRoutes } from "./partner/config.ts";
import { logRoutes } from "./partner/logs.ts";
import { oauthRoutes } from "./partner/oauth.ts";
import { webhookRoutes } from "./partner/webhooks.ts";
import { refuseUnknown, routerOf } from "./route.ts";
import { ssoRoutes } from "./sso.ts";

export interface HerokuOptions extends Omit<Platform, "state"> {
  readonly manifest: SimulatorManifest;
}

/** Plays Heroku: its Platform API for customers and providers, its manifest server, and its part of the page. */
export function createHeroku(options: HerokuOptions): PlayedSide {
  const { manifest, ...tools } = options;
  const platform: Platform = { ...tools, state: emptyState(manifest) };
  populate(platform, manifest);
  const router = Router();
  router.use(pageRoutes(platform), routerOf(platform, routes), refuseUnknown(platform));
  return {
    router,
    section: () => shopSections(platform),
    reset: () => {
      platform.state = emptyState(manifest);
      populate(platform, manifest);
    },
  };
}

const routes = [
  ...addonRoutes,
  ...appRoutes,
  ...attachmentRoutes,
  ...peopleRoutes,
  ...resolveRoutes,
  ...serviceRoutes,
  ...usageRoutes,
  ...ssoRoutes,
  ...oauthRoutes,
  ...addonConfigRoutes,
  ...actionRoutes,
  ...webhookRoutes,
  ...logRoutes,
  ...manifestRoutes,
];

function emptyState(manifest: SimulatorManifest): State {
  return {
    manifest,
    manifests: [],
    people: new Map(),
    teams: new Map(),
    apps: new Map(),
    addons: new Map(),
    attachments: new Map(),
    grants: new Map(),
    accessTokens: new Map(),
    refreshTokens: new Map(),
    webhooks: new Map(),
    deliveries: [],
    eventSequence: 0,
    notice: null,
  };
}

/** One app of a person, with a colleague, and one of a team. */
function populate(platform: Platform, manifest: SimulatorManifest): void {
  const { state } = platform;
  const colleague = personOf(state, "colleague@example.com");
  createApp(platform, { name: "demo" }).collaborators.set(colleague.id, colleague);
  createApp(platform, { name: "team-demo", team: teamOf(state, "acme") });
  const { catalog: _catalog, ...pushed } = manifest;
  if (isJsonObject(pushed)) keepManifest(platform, pushed);
}
