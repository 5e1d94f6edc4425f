import { withLiveAddon } from "../lookups.ts";
import { type Answer, invalid, ok, type Refusal } from "../model/answers.ts";
import type { Addon } from "../model/platform.ts";
import { addonView } from "../model/views.ts";
import { drop, finishProvision } from "../purchase/ends.ts";
import type { Call, Route } from "../route.ts";

export const actionRoutes: readonly Route[] = [
  { method: "post", path: "/addons/:addon/actions/provision", who: "provider", answer: withLiveAddon(provisioned) },
  { method: "post", path: "/addons/:addon/actions/deprovision", who: "provider", answer: withLiveAddon(deprovisioned) },
];

/** The end of an asynchronous provision. Said again, it changes nothing. */
function provisioned({ platform }: Call, addon: Addon): Answer {
  if (addon.state === "provisioning") finishProvision(platform, addon);
  return ok(addonView(platform, addon));
}

/** The provider gives up on an asynchronous provision: the customer sees the add-on as errored. */
function deprovisioned({ platform }: Call, addon: Addon): Answer | Refusal {
  if (addon.state !== "provisioning") return invalid("The add-on is not being provisioned.");
  addon.failed = true;
  drop(platform, addon);
  return ok(addonView(platform, addon));
}
