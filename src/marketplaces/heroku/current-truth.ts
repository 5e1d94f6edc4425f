import { z } from "zod";
import { ProviderError } from "../../errors.ts";
import type { Tenant } from "../../tenants/tenants.ts";
import type { Said } from "../marketplace.ts";
import type { HerokuOptions } from "./options.ts";
import { openResource } from "./platform/resource.ts";

const named = z.looseObject({ name: z.string() });
const addonShape = z.looseObject({ name: z.string(), state: z.string().nullish(), plan: named, app: named.nullish() });

/**
 * What the Platform API says of the add-on now (Platform API Reference, "Add-on Info"). Throws `marketplace_unavailable`
 * for no answer, or no grant yet; `marketplace_refused` where none will come.
 */
export async function currentTruth(
  options: HerokuOptions,
  { id, resourceId }: Tenant,
  within: AbortSignal,
): Promise<readonly Said[]> {
  const resource = await openResource(options, { tenant: id }, within);
  const reply = await resource.send({ method: "GET", path: `/addons/${encodeURIComponent(resourceId)}` });
  if (reply.status === 404 || reply.status === 410) return [{ term: "State", text: "there is no such add-on" }];
  const { data } = addonShape.safeParse(reply.body);
  if (data === undefined)
    throw new ProviderError("marketplace_unavailable", `Heroku answered ${reply.status}, and nothing we understand.`);
  return [
    { term: "State", text: data.state ?? "not said" },
    { term: "Plan", text: data.plan.name },
    { term: "Name", text: data.name },
    { term: "App", text: data.app?.name ?? "not said" },
  ];
}
