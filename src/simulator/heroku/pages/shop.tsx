import { Panel } from "../../page/html.tsx";
import { liveAddons } from "../model/addons.ts";
import { attachmentsOfAddon, configVarsOf } from "../model/apps.ts";
import { type Plan, plansOf } from "../model/manifest.ts";
import type { Addon, App, Platform, State } from "../model/platform.ts";
import { webUrl } from "../model/views.ts";

/** The customer's view: buy, what was bought, and the environment of the apps. */
export function shopSections(platform: Platform) {
  const { state } = platform;
  const addons = [...state.addons.values()].reverse();
  const apps = [...state.apps.values()].filter((app) => liveAddons(state, app).length > 0 || app.ownVars.size > 0);
  return (
    <>
      <div id="notice" data-live>
        {state.notice !== null && (
          <p class="notice" role="status">
            {state.notice}
          </p>
        )}
      </div>
      <BuyPanel state={state} />
      <Panel id="addons" title="Add-ons" live>
        {addons.length === 0 && <p class="quiet">None yet.</p>}
        {addons.slice(0, 50).map((addon) => (
          <AddonItem platform={platform} addon={addon} />
        ))}
      </Panel>
      <Panel id="vars" title="Config vars" live>
        {apps.length === 0 && <p class="quiet">An app's variables appear here once it has an add-on.</p>}
        {apps.map((app) => (
          <ConfigVars state={state} app={app} />
        ))}
      </Panel>
    </>
  );
}

function BuyPanel({ state }: { state: State }) {
  const { manifest } = state;
  return (
    <Panel id="buy" title={`Buy ${manifest.name} on Heroku`}>
      <form method="post" action="/_heroku/buy">
        <fieldset class="plans">
          <legend>Plan</legend>
          {plansOf(manifest).map((plan, index) => (
            <label>
              <input type="radio" name="plan" value={plan.name} checked={index === 0} />
              <strong>{plan.humanName}</strong>
              <span class="price">{priceText(plan)}</span>
            </label>
          ))}
        </fieldset>
        <div class="row">
          <label>
            App
            <input name="app" value="demo" required list="apps" />
          </label>
          <label>
            Name (may be empty)
            <input name="name" />
          </label>
          <label>
            Attach as (may be empty)
            <input name="as" />
          </label>
        </div>
        <datalist id="apps">
          {[...state.apps.values()].map((app) => (
            <option value={app.name} />
          ))}
        </datalist>
        <label>
          Options, one a line: name=value
          <textarea name="options" rows={2} />
        </label>
        <p class="quiet">
          The same on the command line: <code>heroku addons:create {plansOf(manifest)[0]?.name} -a demo</code>
        </p>
        <button class="main" type="submit">
          Buy
        </button>
      </form>
    </Panel>
  );
}

function AddonItem({ platform, addon }: { platform: Platform; addon: Addon }) {
  const { state, origin } = platform;
  const names = attachmentsOfAddon(state, addon).map((one) => `${one.app.name}::${one.name}`);
  const live = addon.state !== "deprovisioned";
  return (
    <article class="addon">
      <h3>
        {addon.name} <span class={`state ${addon.state}`}>{stateText(addon)}</span>
      </h3>
      <p class="quiet">
        {addon.plan} on {addon.app.name}
        {names.length > 0 && `, attached as ${names.join(", ")}`}
        {addon.providerId !== null && `; the provider calls it ${addon.providerId}`}
      </p>
      {addon.message !== null && <p>{addon.message}</p>}
      {live && (
        <div class="row">
          <a class="button" href={webUrl(origin, addon, addon.app)}>
            Open
          </a>
          <PlanForm state={state} addon={addon} />
          <form method="post" action={`/_heroku/addons/${addon.id}/remove`}>
            <button class="danger" type="submit">
              Remove
            </button>
          </form>
        </div>
      )}
    </article>
  );
}

function PlanForm({ state, addon }: { state: State; addon: Addon }) {
  return (
    <form class="row" method="post" action={`/_heroku/addons/${addon.id}/plan`}>
      <label>
        Plan
        <select name="plan">
          {plansOf(state.manifest).map((plan) => (
            <option value={plan.name} selected={plan.slug === addon.plan}>
              {plan.humanName}
            </option>
          ))}
        </select>
      </label>
      <button type="submit">Change plan</button>
    </form>
  );
}

function ConfigVars({ state, app }: { state: State; app: App }) {
  const vars = Object.entries(configVarsOf(state, app));
  return (
    <>
      <h3>
        {app.name}, release v{app.release}
      </h3>
      <dl>
        {vars.map(([name, value]) => (
          <>
            <dt>{name}</dt>
            <dd>
              <details id={`var-${app.name}-${name}`}>
                <summary>show</summary>
                <code>{value}</code>
              </details>
            </dd>
          </>
        ))}
      </dl>
    </>
  );
}

function stateText(addon: Addon): string {
  if (addon.state === "deprovisioned") return addon.failed ? "errored" : "removed";
  return addon.state === "provisioning" ? "creating" : "created";
}

function priceText(plan: Plan): string {
  return plan.cents === 0 ? "free" : `$${(plan.cents / 100).toFixed(2).replace(/\.00$/, "")} a ${plan.unit}`;
}
