import { z } from "zod";
import type { Tx } from "../../../db/db.ts";
import type { Delivery, OwedCall } from "../../../deliveries/deliveries.ts";
import { ProviderError } from "../../../errors.ts";
import { appendEvent } from "../../../events/events.ts";
import { isThere, type Person, readTenant, replacePeople, type Tenant } from "../../../tenants/tenants.ts";
import { HEROKU, type HerokuOptions } from "../options.ts";
import { openResource, type Resource } from "../platform/resource.ts";
import type { Reply } from "../platform/send.ts";
import { isSuccess, verdictOf } from "./verdict.ts";

const named = z.looseObject({ id: z.string(), name: z.string() });
const addonShape = z.looseObject({ name: z.string(), app: named });
const appShape = z.looseObject({
  name: z.string(),
  owner: z.looseObject({ email: z.string() }).nullish(),
  team: named.nullish(),
});
const accountShape = z.looseObject({ id: z.string(), email: z.string() });
/** A collaborator holds its account in `user`; a team member is spelled out and may hold it too. */
const memberShape = z.union([
  z.looseObject({ user: accountShape, role: z.string().nullish() }).transform(({ user, role }) => ({ ...user, role })),
  z.looseObject({ id: z.string(), email: z.string(), role: z.string().nullish() }),
]);

/** What Heroku says of a purchase beside the provision request, where such things never stand. */
interface Surroundings {
  readonly name: string;
  readonly app: string;
  readonly owner: string;
  readonly people: readonly Person[];
}

/** Looks up the add-on's name, its app, the app's owner and everybody with access, and puts them in place of the last. */
export async function fetchPeople(options: HerokuOptions, call: OwedCall, attempt: AbortSignal): Promise<Delivery> {
  const resource = await openResource(options, call, attempt);
  const now = () => options.clock.now();
  if (!isThere(resource.tenant.state)) return { outcome: "delivered" };
  const addonReply = await resource.send({ method: "GET", path: `/addons/${call.resourceId}` });
  if (!isSuccess(addonReply)) return verdictOf(addonReply, call, resource.tenant, now());
  const addon = understood(addonShape, addonReply);
  const appReply = await resource.send({ method: "GET", path: `/apps/${encodeURIComponent(addon.app.id)}` });
  if (!isSuccess(appReply)) return verdictOf(appReply, call, resource.tenant, now());
  const { name: app, owner, team } = understood(appShape, appReply);
  const people = await peopleAt(resource, addon.app.id, team?.id);
  const found = { name: addon.name, app, owner: team?.name ?? owner?.email ?? "", people };
  await options.store.asTenant(call.tenant, (tx) => keep(tx, found, now()));
  return { outcome: "delivered", status: appReply.status };
}

function understood<S extends z.ZodType>(schema: S, { body }: Reply): z.output<S> {
  const { data, error } = schema.safeParse(body);
  if (error === undefined) return data;
  throw new ProviderError("marketplace_unavailable", "Heroku's answer is not understood.", { cause: error });
}

/** Collaborators, and for an app of a team its members too; a list that is closed to us counts as empty. */
async function peopleAt(resource: Resource, app: string, team: string | undefined): Promise<readonly Person[]> {
  const collaborators = await listOf(resource, `/apps/${encodeURIComponent(app)}/collaborators`);
  const members = team === undefined ? [] : await listOf(resource, `/teams/${encodeURIComponent(team)}/members`);
  return [...new Map([...collaborators, ...members].map((person) => [person.id, person])).values()];
}

const MOST_PAGES = 5;

async function listOf(resource: Resource, path: string): Promise<readonly Person[]> {
  const people: Person[] = [];
  let range: string | undefined;
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    const reply: Reply = await resource.send({ method: "GET", path, range });
    people.push(...peopleIn(reply));
    range = reply.nextRange;
    if (reply.status !== 206 || range === undefined) break;
  }
  return people;
}

function peopleIn({ body }: Reply): Person[] {
  const list: readonly unknown[] = Array.isArray(body) ? body : [];
  return list.flatMap((entry) => {
    const { data } = memberShape.safeParse(entry);
    return data === undefined ? [] : [{ id: data.id, email: data.email, role: data.role ?? "member" }];
  });
}

async function keep(tx: Tx, found: Surroundings, now: Date): Promise<void> {
  const tenant = await readTenant(tx, "lock");
  if (tenant === undefined || !isThere(tenant.state)) return;
  const { name, app, owner, people } = found;
  await tx.query("update tenants set name = $2, facts = $3 where id = $1", [
    tenant.id,
    name,
    JSON.stringify({ ...tenant.facts, app, owner }),
  ]);
  await tellRenamed(tx, tenant, "add-on", tenant.name, name, now);
  await tellRenamed(tx, tenant, "app", tenant.facts["app"] ?? app, app, now);
  await replacePeople(tx, tenant.id, people, now);
}

async function tellRenamed(tx: Tx, tenant: Tenant, what: string, from: string, to: string, now: Date): Promise<void> {
  if (from === to) return;
  await appendEvent(
    tx,
    tenant.id,
    { type: "renamed", by: `marketplace:${HEROKU}`, at: now, data: { what, from, to } },
    now,
  );
}
