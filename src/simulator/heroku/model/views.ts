import { planOf } from "./addons.ts";
import { attachmentsOfApp, nameThrough } from "./apps.ts";
import { type Plan, plansOf, prefixOf, regionForProvider, requires, serviceIdOf } from "./manifest.ts";
import type { Addon, App, Attachment, Person, Platform, State } from "./platform.ts";

/** What the caller asked to see beyond the usual: `Accept-Expansion`, and the message header. */
export interface Expansions {
  readonly plan: boolean;
  readonly service: boolean;
  readonly message: boolean;
}

export const noExpansions: Expansions = { plan: false, service: false, message: false };

export function serviceView({ manifest }: State) {
  return {
    id: serviceIdOf(manifest),
    name: manifest.id,
    human_name: manifest.name,
    cli_plugin_name: null,
    state: "ga",
    supports_multiple_installations: requires(manifest, "many_per_app"),
    supports_sharing: requires(manifest, "attachable"),
  };
}

export function planView(state: State, plan: Plan) {
  return {
    id: plan.id,
    name: plan.name,
    human_name: plan.humanName,
    description: `${state.manifest.name} ${plan.humanName}`,
    addon_service: { id: serviceIdOf(state.manifest), name: state.manifest.id },
    default: plansOf(state.manifest)[0]?.id === plan.id,
    price: priceOf(plan),
    state: "public",
    visible: true,
    space_default: false,
    compliance: null,
    installable_inside_private_network: false,
    installable_outside_private_network: true,
  };
}

function priceOf(plan: Plan) {
  return { cents: plan.cents, unit: plan.unit, contract: false, metered: false };
}

export function addonView(platform: Platform, addon: Addon, expansions: Expansions = noExpansions) {
  const { state, origin } = platform;
  const plan = planOf(state, addon);
  const service = serviceView(state);
  return {
    id: addon.id,
    name: addon.name,
    state: addon.state,
    actions: [],
    addon_service: expansions.service ? service : { id: service.id, name: service.name },
    app: { id: addon.app.id, name: addon.app.name },
    billing_entity: billingEntity(addon.app),
    billed_price: priceOf(plan),
    config_vars: configVarNames(state, addon),
    plan: expansions.plan ? planView(state, plan) : { id: plan.id, name: plan.name },
    provider_id: addon.providerId,
    web_url: webUrl(origin, addon, addon.app),
    created_at: addon.createdAt.toISOString(),
    updated_at: addon.updatedAt.toISOString(),
    ...(expansions.message && addon.message !== null && { provision_message: addon.message }),
  };
}

function billingEntity(app: App) {
  if (app.team) return { id: app.team.id, name: app.team.name, type: "team" };
  return { id: app.id, name: app.name, type: "app" };
}

/** Names only, as the owning app sees them through the first attachment. */
function configVarNames(state: State, addon: Addon): readonly string[] {
  const attachment = attachmentsOfApp(state, addon.app).find((one) => one.addon === addon);
  const names = [...addon.config.keys()];
  return attachment ? names.map((name) => nameThrough(attachment, prefixOf(state.manifest), name)) : names;
}

/** Where the customer signs in to the add-on: a page of this simulator that posts the sign-in form. */
export function webUrl(origin: string, addon: Addon, from: App): string {
  return `${origin}/sso/${addon.id}?app=${encodeURIComponent(from.name)}`;
}

export function attachmentView(platform: Platform, attachment: Attachment, expansions: Expansions = noExpansions) {
  const { addon, app } = attachment;
  const full = addonView(platform, addon, expansions);
  return {
    id: attachment.id,
    name: attachment.name,
    namespace: attachment.namespace,
    addon: { id: addon.id, name: addon.name, app: full.app, plan: full.plan },
    app: { id: app.id, name: app.name },
    web_url: webUrl(platform.origin, addon, app),
    log_input_url: null,
    config_vars: full.config_vars,
    created_at: attachment.createdAt.toISOString(),
    updated_at: attachment.createdAt.toISOString(),
  };
}

export function appView({ origin }: Platform, app: App) {
  return {
    id: app.id,
    name: app.name,
    region: { id: app.region, name: app.region },
    provider_region: regionForProvider(app.region),
    owner: personView(app.owner),
    team: app.team ? { id: app.team.id, name: app.team.name } : null,
    organization: null,
    space: null,
    stack: { name: "heroku-24" },
    git_url: `${origin}/git/${app.name}.git`,
    web_url: `https://${app.name}.example.com/`,
    maintenance: false,
    archived_at: null,
    created_at: app.createdAt.toISOString(),
    released_at: app.createdAt.toISOString(),
    updated_at: app.createdAt.toISOString(),
  };
}

export function personView(person: Person) {
  return { id: person.id, email: person.email };
}
