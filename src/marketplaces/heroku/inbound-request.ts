import type { Tenant } from "../../tenants/tenants.ts";
import type { Asked, InboundRequest } from "../marketplace.ts";
import type { HerokuOptions } from "./options.ts";

const ACCEPT = "application/vnd.heroku-addons+json; version=3";

/** The request of the Add-on Partner API (version 3) that asks for this; the grant is left out, it works once. */
export function requestOf(
  { catalog }: HerokuOptions,
  tenant: Tenant,
  { kind, target }: Asked,
): InboundRequest | undefined {
  const path = `/heroku/resources/${tenant.resourceId}`;
  const common = { authorization: { basic: `${catalog.id}:$HEROKU_PASSWORD` }, headers: { Accept: ACCEPT } };
  const { resourceId: uuid, plan, region, name, options } = tenant;
  switch (kind) {
    case "provision":
      return {
        ...common,
        method: "POST",
        path: "/heroku/resources",
        body: { uuid, plan: target["plan"] ?? plan, region, name, options },
      };
    case "change_plan":
      return { ...common, method: "PUT", path, body: { plan: target["plan"] } };
    case "deprovision":
      return { ...common, method: "DELETE", path };
    default:
      return undefined;
  }
}
