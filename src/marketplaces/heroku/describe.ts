import { peopleOf, type Tenant } from "../../tenants/tenants.ts";
import type { MarketplaceTexts } from "../marketplace.ts";
import type { HerokuOptions } from "./options.ts";

/** What Heroku's own tools call the purchase. Only plain names go into a command that somebody will paste into a shell. */
export async function describeTenant({ store, catalog }: HerokuOptions, tenant: Tenant): Promise<MarketplaceTexts> {
  const people = await store.asTenant(tenant.id, peopleOf);
  const { app, owner } = tenant.facts;
  const addon = isPlainName(tenant.name) ? tenant.name : tenant.resourceId;
  const onApp = `-a ${app !== undefined && isPlainName(app) ? app : "YOUR-APP"}`;
  return {
    title: "Heroku",
    headerId: "heroku-header",
    ...(app ? { appName: app } : {}),
    ...(app && isPlainName(app) ? { backUrl: `https://dashboard.heroku.com/apps/${app}` } : {}),
    ...(owner ? { owner } : {}),
    people,
    ways: {
      changePlan: (plan) => ({ command: `heroku addons:upgrade ${addon} ${catalog.id}:${plan} ${onApp}` }),
      showConfig: { command: `heroku config ${onApp}` },
      remove: { command: `heroku addons:destroy ${addon} ${onApp}` },
    },
    rotationWarning: "Heroku restarts the dynos of every app that uses this add-on when its config vars change.",
  };
}

const isPlainName = (name: string): boolean => /^[a-z][a-z0-9-]{0,127}$/.test(name);
