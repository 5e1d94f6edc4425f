import { withApp, withTeam } from "../lookups.ts";
import { liveAddons } from "../model/addons.ts";
import { type Answer, ok } from "../model/answers.ts";
import type { Team } from "../model/platform.ts";
import { addonView } from "../model/views.ts";
import { page } from "../paging.ts";
import type { Call, Route } from "../route.ts";

/** Plans here are flat, so there is no usage to show; the shapes are what the CLI reads. */
export const usageRoutes: readonly Route[] = [
  { method: "get", path: "/apps/:app/usage", who: "customer", answer: withApp(() => ok({ addons: [] })) },
  { method: "get", path: "/teams/:team/apps/:app/usage", who: "customer", answer: withApp(() => ok({ addons: [] })) },
  { method: "get", path: "/teams/:team/usage", who: "customer", answer: withTeam(() => ok({ apps: [] })) },
  { method: "get", path: "/teams/:team/addons", who: "customer", answer: withTeam(listAddonsOfTeam) },
];

function listAddonsOfTeam(call: Call, team: Team): Answer {
  const { platform, expansions } = call;
  const addons = liveAddons(platform.state).filter((addon) => addon.app.team === team);
  return page(
    call,
    addons.map((addon) => addonView(platform, addon, expansions)),
  );
}
