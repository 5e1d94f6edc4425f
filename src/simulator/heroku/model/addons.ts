import { notFound, type Refusal, refuse } from "./answers.ts";
import { attachmentsOfApp } from "./apps.ts";
import { type Plan, plansOf } from "./manifest.ts";
import type { Addon, App, Attachment, State } from "./platform.ts";

export function isLive(addon: Addon): boolean {
  return addon.state !== "deprovisioned";
}

export function liveAddons(state: State, app?: App): readonly Addon[] {
  return [...state.addons.values()].filter((addon) => isLive(addon) && (app === undefined || addon.app === app));
}

/** By id or name; one whose provisioning failed is still found, so that whoever waits for it learns the end. */
export function findAddon(state: State, idOrName: string, app?: App): Addon | undefined {
  const named = [...state.addons.values()].filter(
    (addon) => (addon.id === idOrName || addon.name === idOrName) && (app === undefined || addon.app === app),
  );
  return named.find(isLive) ?? named.findLast((addon) => addon.failed);
}

/** What a person may mean by an add-on: its id or name, an attachment of the app, or its service. */
export function resolveAddons(state: State, identifier: string, app?: App): readonly Addon[] {
  const candidates = liveAddons(state).filter((addon) => app === undefined || visibleOn(state, addon, app));
  const named = candidates.filter((addon) => addon.id === identifier || addon.name === identifier);
  if (named.length > 0) return named;
  const attached = resolveAttachments(state, identifier, app).map((attachment) => attachment.addon);
  if (attached.length > 0) return [...new Set(attached)];
  const isService =
    identifier === state.manifest.id || plansOf(state.manifest).some((plan) => plan.name === identifier);
  return isService ? candidates.filter((addon) => matchesService(state, addon, identifier)) : [];
}

function visibleOn(state: State, addon: Addon, app: App): boolean {
  return addon.app === app || attachmentsOfApp(state, app).some((attachment) => attachment.addon === addon);
}

function matchesService(state: State, addon: Addon, identifier: string): boolean {
  return identifier === state.manifest.id || planOf(state, addon).name === identifier;
}

/** By id, by name within the app, or as `app::NAME`. */
export function resolveAttachments(state: State, identifier: string, app?: App): readonly Attachment[] {
  const [appName, name] = identifier.includes("::") ? identifier.split("::", 2) : [app?.name, identifier];
  return [...state.attachments.values()].filter(
    (attachment) =>
      attachment.id === identifier || (attachment.name === name?.toUpperCase() && attachment.app.name === appName),
  );
}

/** `service:plan`, the plan's id, or the service alone (its first plan). */
export function findPlan(state: State, name: string): Plan | Refusal {
  const plans = plansOf(state.manifest);
  const plan = plans.find((one) => one.name === name || one.id === name);
  const usual = name === state.manifest.id ? plans[0] : undefined;
  const message = `Couldn't find either the add-on service or the plan ${name}.`;
  return plan ?? usual ?? refuse(422, "invalid_params", message);
}

export function planOf(state: State, addon: Addon): Plan {
  const known = plansOf(state.manifest).find((plan) => plan.slug === addon.plan);
  const name = `${state.manifest.id}:${addon.plan}`;
  return known ?? { id: name, slug: addon.plan, name, humanName: addon.plan, cents: 0, unit: "month" };
}

export function findAttachment(state: State, idOrName: string, app?: App): Attachment | Refusal {
  return resolveAttachments(state, idOrName, app)[0] ?? notFound("add_on attachment");
}
