import { findPlan } from "../model/addons.ts";
import { invalid, isRefusal, type Refusal } from "../model/answers.ts";
import { releaseApps } from "../model/apps.ts";
import type { Addon, Platform } from "../model/platform.ts";
import { announceAddon } from "../partner/events.ts";
import { judgePlanChange } from "./answer-checks.ts";
import { callProvider } from "./call-provider.ts";
import { pathOf } from "./ends.ts";
import { blameAll, brokenRefusal, providerRefusal } from "./words.ts";

/** Asks the provider for another plan; until it agrees the add-on keeps the one it has. */
export async function changePlan(platform: Platform, addon: Addon, planName: string): Promise<Addon | Refusal> {
  const plan = findPlan(platform.state, planName);
  if (isRefusal(plan)) return plan;
  if (addon.state === "provisioning")
    return invalid("The add-on is still being created; its plan cannot be changed yet.");
  const body = () => ({ plan: plan.slug });
  const reply = await callProvider(platform, { method: "PUT", path: pathOf(addon), addon, body });
  const judgement = judgePlanChange(platform.state.manifest, reply);
  blameAll(platform, judgement, reply.exchange);
  const wish = `change the plan to ${plan.name}`;
  if (judgement.kind === "refused") return providerRefusal(wish, judgement);
  if (judgement.kind === "broken") return brokenRefusal(wish, judgement);
  addon.plan = plan.slug;
  addon.message = judgement.message ?? null;
  addon.updatedAt = platform.clock.now();
  for (const [name, value] of judgement.config) addon.config.set(name, value);
  if (judgement.config.size > 0) releaseApps(platform.state, addon);
  announceAddon(platform, addon, "update");
  return addon;
}
