import { asJsonObject, referenceIn, textIn } from "../../json.ts";
import { withAddon, withApp, withLiveAddon } from "../lookups.ts";
import { findAddon, isLive, liveAddons } from "../model/addons.ts";
import { type Answer, invalid, isRefusal, ok, type Refusal } from "../model/answers.ts";
import { attachmentsOfApp } from "../model/apps.ts";
import { isAddonName } from "../model/names.ts";
import type { Addon, App } from "../model/platform.ts";
import { addonView } from "../model/views.ts";
import { page } from "../paging.ts";
import { announceAddon } from "../partner/events.ts";
import { buy } from "../purchase/buy.ts";
import { changePlan } from "../purchase/change-plan.ts";
import { remove } from "../purchase/remove.ts";
import type { Call, Route } from "../route.ts";

const ONE = "/apps/:app/addons/:addon";

export const addonRoutes: readonly Route[] = [
  { method: "get", path: "/addons", who: "both", answer: listAll },
  { method: "get", path: "/addons/:addon", who: "both", answer: withAddon(show) },
  { method: "get", path: "/apps/:app/addons", who: "both", answer: withApp(listOfApp) },
  { method: "post", path: "/apps/:app/addons", who: "customer", answer: withApp(create) },
  { method: "get", path: ONE, who: "both", answer: withAddon(show) },
  { method: "patch", path: ONE, who: "customer", answer: withLiveAddon(update) },
  { method: "delete", path: ONE, who: "customer", answer: withLiveAddon(destroy) },
];

/** A provider sees its one add-on. */
function listAll(call: Call): Answer {
  const { platform, caller } = call;
  const addons = caller.kind === "provider" ? [caller.addon].filter(isLive) : liveAddons(platform.state);
  return page(
    call,
    addons.map((addon) => addonView(platform, addon, call.expansions)),
  );
}

/** Owned by the app or attached to it. */
function listOfApp(call: Call, app: App): Answer {
  const { platform, caller } = call;
  const attached = attachmentsOfApp(platform.state, app).map((attachment) => attachment.addon);
  const addons = [...new Set([...liveAddons(platform.state, app), ...attached])];
  const visible = caller.kind === "provider" ? addons.filter((addon) => addon === caller.addon) : addons;
  return page(
    call,
    visible.map((addon) => addonView(platform, addon, call.expansions)),
  );
}

function show({ platform, expansions }: Call, addon: Addon): Answer {
  return ok(addonView(platform, addon, expansions));
}

async function create(call: Call, app: App): Promise<Answer | Refusal> {
  const { body, platform } = call;
  const plan = referenceIn(body, "plan");
  if (plan === undefined) return invalid("plan is missing.");
  const addon = await buy(platform, {
    app,
    plan,
    name: textIn(body, "name"),
    attachAs: textIn(asJsonObject(body["attachment"]), "name"),
    confirm: textIn(body, "confirm"),
    options: asJsonObject(body["config"]),
  });
  return isRefusal(addon) ? addon : ok(addonView(platform, addon, call.expansions), 201);
}

async function update(call: Call, addon: Addon): Promise<Answer | Refusal> {
  const { body, platform } = call;
  const name = textIn(body, "name");
  const refusal = name === undefined ? undefined : rename(call, addon, name);
  if (refusal) return refusal;
  const plan = referenceIn(body, "plan");
  const changed = plan === undefined ? addon : await changePlan(platform, addon, plan);
  return isRefusal(changed) ? changed : ok(addonView(platform, changed, call.expansions));
}

/** The provider is not asked: it keys on the uuid. */
function rename({ platform }: Call, addon: Addon, name: string): Refusal | undefined {
  const holder = findAddon(platform.state, name);
  if (holder && holder !== addon && isLive(holder)) return invalid("Name is already taken.");
  if (!isAddonName(name))
    return invalid("Name must start with a letter and hold only lower-case letters, digits and -.");
  addon.name = name;
  addon.updatedAt = platform.clock.now();
  announceAddon(platform, addon, "update");
  return undefined;
}

async function destroy(call: Call, addon: Addon): Promise<Answer | Refusal> {
  const removed = await remove(call.platform, addon, call.body["force"] === true);
  return isRefusal(removed) ? removed : ok(addonView(call.platform, removed, call.expansions));
}
