import { findAddon, isLive } from "./model/addons.ts";
import { type Answer, notFound, type Refusal, refuse } from "./model/answers.ts";
import { attachmentsOfAddon, findApp, findOrCreateApp } from "./model/apps.ts";
import type { Addon, App, Team } from "./model/platform.ts";
import type { Call, Handler } from "./route.ts";

type Answering = Answer | Refusal | Promise<Answer | Refusal>;

/** Answers for the app in the path. A provider sees only the apps its add-on is attached to. */
export function withApp(answer: (call: Call, app: App) => Answering): Handler {
  return (call) => {
    const name = call.params["app"] ?? "";
    if (call.caller.kind === "customer") {
      const app = findOrCreateApp(call.platform, name);
      return app ? answer(call, app) : notFound("app");
    }
    const app = findApp(call.platform.state, name);
    if (app && sees(call, call.caller.addon, app)) return answer(call, app);
    return refuse(403, "forbidden", "You do not have access to that app.");
  };
}

function sees(call: Call, addon: Addon, app: App): boolean {
  return isLive(addon) && attachmentsOfAddon(call.platform.state, addon).some((attachment) => attachment.app === app);
}

/** Answers for the add-on in the path (of the app in the path, if there is one). A provider sees only its own. */
export function withAddon(answer: (call: Call, addon: Addon) => Answering): Handler {
  return (call) => {
    const { state } = call.platform;
    const appName = call.params["app"];
    const app = appName === undefined ? undefined : findApp(state, appName);
    if (appName !== undefined && app === undefined) return notFound("app");
    const addon = findAddon(state, call.params["addon"] ?? "", app);
    if (addon === undefined) return notFound("add_on");
    if (call.caller.kind === "provider" && (call.caller.addon !== addon || !isLive(addon))) return notFound("add_on");
    return answer(call, addon);
  };
}

/** As `withAddon`, without those whose provisioning failed: nothing can be done with them. */
export function withLiveAddon(answer: (call: Call, addon: Addon) => Answering): Handler {
  return withAddon((call, addon) => (isLive(addon) ? answer(call, addon) : notFound("add_on")));
}

export function withTeam(answer: (call: Call, team: Team) => Answering): Handler {
  return (call) => {
    const name = call.params["team"] ?? "";
    const team = [...call.platform.state.teams.values()].find((one) => one.name === name || one.id === name);
    if (team === undefined) return notFound("team");
    const { caller } = call;
    if (caller.kind === "provider" && caller.addon.app.team !== team) {
      return refuse(403, "forbidden", "You do not have access to that team.");
    }
    return answer(call, team);
  };
}
