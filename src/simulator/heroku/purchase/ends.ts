import { attachmentsOfAddon, releaseApps } from "../model/apps.ts";
import type { Addon, Platform } from "../model/platform.ts";
import { announceAddon } from "../partner/events.ts";
import { judgeDeprovision } from "./answer-checks.ts";
import { callProvider } from "./call-provider.ts";

/** When a DELETE that was not asked for by the customer is tried, counted from the drop. */
const TRY_AFTER_MS = [5_000, 30_000, 120_000, 600_000, 3_600_000, 21_600_000] as const;

/** The add-on is ready: its config vars reach the apps. */
export function finishProvision(platform: Platform, addon: Addon): void {
  addon.deadline?.cancel();
  addon.state = "provisioned";
  addon.updatedAt = platform.clock.now();
  releaseApps(platform.state, addon);
  announceAddon(platform, addon, "update");
}

/** The add-on leaves the platform: no attachments, no config vars, its tokens see nothing. */
export function drop(platform: Platform, addon: Addon): void {
  const { state, clock } = platform;
  addon.deadline?.cancel();
  if (addon.state === "provisioned") releaseApps(state, addon);
  addon.state = "deprovisioned";
  addon.updatedAt = clock.now();
  announceAddon(platform, addon, "destroy");
  for (const attachment of attachmentsOfAddon(state, addon)) state.attachments.delete(attachment.id);
  for (const webhook of state.webhooks.values()) if (webhook.addon === addon) state.webhooks.delete(webhook.id);
}

/** Sends DELETE in the background until the provider says that it is gone, at most six times. */
export function removeLater(platform: Platform, addon: Addon, attempt = 0): void {
  const wait = TRY_AFTER_MS[attempt];
  if (wait === undefined) {
    const sentence = `The provider never said that ${addon.name} is gone; the platform stops asking.`;
    platform.journal.blame("deprovision_unanswered", sentence, null);
    return;
  }
  platform.clock.at(platform.clock.in(wait), () => {
    void askToRemove(platform, addon).then((gone) => gone || removeLater(platform, addon, attempt + 1));
  });
}

async function askToRemove(platform: Platform, addon: Addon): Promise<boolean> {
  const reply = await callProvider(platform, { method: "DELETE", path: pathOf(addon), addon });
  return judgeDeprovision(reply).kind === "done" || platform.stopping.aborted;
}

/** The provider's own id; before it has said one, ours. */
export function pathOf(addon: Addon): string {
  return `/${encodeURIComponent(addon.providerId ?? addon.id)}`;
}
