import { planOf } from "../model/addons.ts";
import { invalid, type Refusal } from "../model/answers.ts";
import { attachmentsOfAddon } from "../model/apps.ts";
import type { Addon, Platform } from "../model/platform.ts";
import { judgeDeprovision } from "./answer-checks.ts";
import { callProvider } from "./call-provider.ts";
import { drop, pathOf } from "./ends.ts";
import { blameAll, brokenRefusal, providerRefusal } from "./words.ts";

/** Removes the add-on. When the provider does not say that it is gone, it stays and the customer is told. */
export async function remove(platform: Platform, addon: Addon, force: boolean): Promise<Addon | Refusal> {
  const foreign = attachmentsOfAddon(platform.state, addon).find((attachment) => attachment.app !== addon.app);
  if (foreign && !force)
    return invalid(`${addon.name} is also attached to ${foreign.app.name}; use --force to remove it.`);
  const reply = await callProvider(platform, { method: "DELETE", path: pathOf(addon), addon });
  const judgement = judgeDeprovision(reply);
  blameAll(platform, judgement, reply.exchange);
  const wish = `remove ${planOf(platform.state, addon).name}`;
  if (judgement.kind === "refused") return providerRefusal(wish, judgement);
  if (judgement.kind === "broken") return brokenRefusal(wish, judgement);
  if (addon.state !== "deprovisioned") drop(platform, addon);
  return addon;
}
