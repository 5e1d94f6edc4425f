import { asJsonObject, textIn } from "../../json.ts";
import { withLiveAddon } from "../lookups.ts";
import { type Answer, invalid, ok, type Refusal } from "../model/answers.ts";
import { releaseApps } from "../model/apps.ts";
import type { Addon } from "../model/platform.ts";
import { readConfig } from "../purchase/answer-checks.ts";
import type { Call, Route } from "../route.ts";
import { announceAddon } from "./events.ts";

export const addonConfigRoutes: readonly Route[] = [
  {
    method: "get",
    path: "/addons/:addon/config",
    who: "provider",
    answer: withLiveAddon((_call, addon) => shown(addon)),
  },
  { method: "patch", path: "/addons/:addon/config", who: "provider", answer: withLiveAddon(changeConfig) },
];

function shown(addon: Addon): Answer {
  return ok([...addon.config].map(([name, value]) => ({ name, value })));
}

/**
 * Body `{"config": [{"name", "value"}]}`; null takes a variable away. All or nothing. Once the add-on is provisioned,
 * a change releases and restarts every app it is attached to.
 */
function changeConfig(call: Call, addon: Addon): Answer | Refusal {
  const { platform } = call;
  const list = call.body["config"];
  if (!Array.isArray(list)) return invalid("config must be a list of names and values.");
  const changes = list.map(
    (item: unknown) => [textIn(asJsonObject(item), "name") ?? "", asJsonObject(item)["value"]] as const,
  );
  const { manifest } = platform.state;
  const sets = changes.filter(([, value]) => value !== null);
  const complaints = sets.flatMap(([name, value]) => readConfig(manifest, { [name]: value }).complaints);
  for (const { rule, sentence } of complaints) platform.journal.blame(rule, sentence, null);
  if (complaints[0]) return invalid(complaints[0].sentence);
  for (const [name, value] of changes) {
    if (typeof value === "string") addon.config.set(name, value);
    else addon.config.delete(name);
  }
  if (addon.state === "provisioned") {
    releaseApps(platform.state, addon);
    announceAddon(platform, addon, "update");
  }
  return shown(addon);
}
