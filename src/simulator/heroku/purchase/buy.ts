import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { JsonObject } from "../../json.ts";
import { findAddon, findPlan, liveAddons, planOf } from "../model/addons.ts";
import { invalid, isRefusal, type Refusal, refuse } from "../model/answers.ts";
import { nameForAttachment, putAttachment } from "../model/attachments.ts";
import { issueGrant } from "../model/grants.ts";
import { allowsRegion, type Plan, regionForProvider, requires } from "../model/manifest.ts";
import { inventAddonName, isAddonName } from "../model/names.ts";
import type { Addon, App, Platform } from "../model/platform.ts";
import { type Judgement, judgeProvision } from "./answer-checks.ts";
import { callProvider } from "./call-provider.ts";
import { drop, finishProvision, removeLater } from "./ends.ts";
import { remove } from "./remove.ts";
import { blameAll, brokenRefusal, providerRefusal } from "./words.ts";

export interface Order {
  readonly app: App;
  /** `service:plan` or the service alone. */
  readonly plan: string;
  readonly name: string | undefined;
  /** Name of the first attachment. */
  readonly attachAs: string | undefined;
  readonly confirm: string | undefined;
  /** What the customer wrote after `--`. */
  readonly options: JsonObject;
}

const PROVISION_DEADLINE_MS = 12 * 3_600_000;
/** How long a provision is under way before the `reorder` fault removes it. */
const REORDER_AFTER_MS = 10;

/**
 * Buys an add-on: asks the provider to provision and acts on its answer as the platform does. A refusal (422) reaches
 * the customer; with an answer that cannot be used the purchase is dropped, and DELETE is sent later.
 */
export async function buy(platform: Platform, order: Order): Promise<Addon | Refusal> {
  const plan = findPlan(platform.state, order.plan);
  if (isRefusal(plan)) return plan;
  const refusal = refusalOf(platform, order);
  if (refusal) return refusal;
  const attachAs = nameForAttachment(platform.state, { app: order.app, name: order.attachAs, confirm: order.confirm });
  if (typeof attachAs !== "string") return attachAs;
  const addon = place(platform, order, plan);
  putAttachment(platform, addon, order.app, attachAs, null);
  return provision(platform, addon);
}

function refusalOf({ state }: Platform, order: Order): Refusal | undefined {
  const { manifest } = state;
  if (!allowsRegion(manifest, order.app.region))
    return invalid(`${manifest.id} is not offered in ${order.app.region}.`);
  if (!requires(manifest, "many_per_app") && liveAddons(state, order.app).length > 0) {
    return invalid(`${manifest.name} is already installed on ${order.app.name}.`);
  }
  if (order.name === undefined) return undefined;
  if (!isAddonName(order.name))
    return invalid("Name must start with a letter and hold only lower-case letters, digits and -.");
  return isTaken(findAddon(state, order.name)) ? invalid("Name is already taken.") : undefined;
}

function isTaken(addon: Addon | undefined): boolean {
  return addon !== undefined && addon.state !== "deprovisioned";
}

function place(platform: Platform, order: Order, plan: Plan): Addon {
  const { state, clock } = platform;
  const addon: Addon = {
    id: randomUUID(),
    name: order.name ?? inventAddonName(state.manifest.id),
    plan: plan.slug,
    app: order.app,
    state: "provisioning",
    failed: false,
    providerId: null,
    config: new Map(),
    options: Object.fromEntries(Object.entries(order.options).map(([name, value]) => [name, String(value)])),
    logDrainToken: `d.${randomUUID()}`,
    message: null,
    createdAt: clock.now(),
    updatedAt: clock.now(),
    deadline: null,
  };
  state.addons.set(addon.id, addon);
  return addon;
}

/** Removed while the provider was at it: 410 is then the right answer. */
async function provision(platform: Platform, addon: Addon): Promise<Addon | Refusal> {
  const replying = callProvider(platform, {
    method: "POST",
    path: "",
    addon,
    body: () => provisionBody(platform, addon),
  });
  if (platform.faults.take("reorder") !== undefined) {
    await sleep(REORDER_AFTER_MS);
    await remove(platform, addon, true);
  }
  const reply = await replying;
  if (addon.state === "deprovisioned" && reply.status === 410) return addon;
  const judgement = judgeProvision(platform.state.manifest, reply);
  blameAll(platform, judgement, reply.exchange);
  return settle(platform, addon, judgement);
}

function provisionBody(platform: Platform, addon: Addon): JsonObject {
  const { manifest } = platform.state;
  return {
    callback_url: `${platform.origin}/addons/${addon.id}`,
    name: addon.name,
    oauth_grant: issueGrant(platform, addon),
    options: addon.options,
    plan: addon.plan,
    region: regionForProvider(addon.app.region),
    uuid: addon.id,
    ...(requires(manifest, "log_input") && { log_input_url: logInputUrl(platform, addon) }),
    ...(requires(manifest, "syslog_drain") && { log_drain_token: addon.logDrainToken }),
  };
}

function logInputUrl({ origin }: Platform, addon: Addon): string {
  const url = new URL(`/logs/${addon.id}`, origin);
  url.username = "addon";
  url.password = addon.logDrainToken.slice(2);
  return url.href;
}

function settle(platform: Platform, addon: Addon, judgement: Judgement): Addon | Refusal {
  if (addon.state === "deprovisioned") return settleRemoved(platform, addon, judgement);
  const wish = `create ${planOf(platform.state, addon).name}`;
  if (judgement.kind === "refused") {
    drop(platform, addon);
    return providerRefusal(wish, judgement);
  }
  addon.providerId = judgement.id ?? null;
  if (judgement.kind === "broken") {
    drop(platform, addon);
    removeLater(platform, addon);
    return brokenRefusal(wish, judgement);
  }
  accept(platform, addon, judgement);
  return addon;
}

/** The provider's own calls may have come before its answer: what they set stays, and a finished add-on is finished. */
function accept(platform: Platform, addon: Addon, judgement: Judgement): void {
  const { clock } = platform;
  addon.message = judgement.message ?? null;
  for (const [name, value] of judgement.config) if (!addon.config.has(name)) addon.config.set(name, value);
  if (addon.state === "provisioned") return;
  if (judgement.kind === "done") finishProvision(platform, addon);
  else addon.deadline = clock.at(clock.in(PROVISION_DEADLINE_MS), () => giveUp(platform, addon));
}

/** The customer (or the `reorder` fault) removed it before the answer came; a provider that still made it must forget it. */
function settleRemoved(platform: Platform, addon: Addon, judgement: Judgement): Addon | Refusal {
  if (judgement.kind === "refused") return refuse(410, "gone", "The add-on was removed while it was being created.");
  addon.providerId = judgement.id ?? addon.providerId;
  removeLater(platform, addon);
  return addon;
}

function giveUp(platform: Platform, addon: Addon): void {
  if (addon.state !== "provisioning") return;
  const sentence = `${addon.name} was not finished within 12 hours; it counts as failed and is removed.`;
  platform.journal.blame("provision_unfinished", sentence, null);
  addon.failed = true;
  drop(platform, addon);
  removeLater(platform, addon);
}
