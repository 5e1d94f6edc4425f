import { KEY_VAR, PRODUCT_VAR } from "./installation.ts";
import type { World } from "./world.ts";

/** An add-on as Heroku's customer sees it. */
export interface Addon {
  readonly id: string;
  readonly state: string;
  readonly plan: { readonly name: string };
  readonly provider_id: string | null;
}

/** One customer with one app, on which at most one add-on is wanted at a time. */
export interface Customer {
  readonly app: string;
  /** The add-on that was bought last, while Heroku has it. */
  addon: string | undefined;
  isBuying: boolean;
  /** What was asked and not answered for certain; a customer asks again. */
  doubt: { readonly kind: "plan"; readonly plan: string } | { readonly kind: "removal" } | undefined;
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** One request to Heroku's API as a customer sends it. */
async function ask({ simulator }: World, method: string, path: string, body?: object): Promise<Reply> {
  const answer = await fetch(`${simulator.origin}${path}`, {
    method,
    headers: { authorization: "Bearer customer", "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: await answer.json() };
}

export async function addonsOf(world: World): Promise<readonly Addon[]> {
  return (await ask(world, "GET", "/addons")).body as readonly Addon[];
}

/** What the customer's app finds in its environment. */
export async function environmentOf(world: World, app: string): Promise<{ key: string; index: string }> {
  const { body } = await ask(world, "GET", `/apps/${app}/config-vars`);
  const vars = body as Readonly<Record<string, string>>;
  return { key: vars[KEY_VAR] ?? "", index: vars[PRODUCT_VAR] ?? "" };
}

/** A purchase that fails leaves no add-on: it may be tried again as a new one. */
export async function buy(world: World, customer: Customer, plan: string): Promise<void> {
  if (customer.addon !== undefined || customer.isBuying) return;
  customer.isBuying = true;
  const { status, body } = await ask(world, "POST", `/apps/${customer.app}/addons`, {
    plan: { name: `acme-search:${plan}` },
    config: { size: plan.length },
  });
  world.ear.say(`${customer.app} buys ${plan} → ${status}`);
  const { id, state } = body as Addon;
  customer.isBuying = false;
  customer.addon = status === 201 && state !== "deprovisioned" ? id : undefined;
  customer.doubt = undefined;
}

export async function changePlan(world: World, customer: Customer, plan: string): Promise<void> {
  const { addon } = customer;
  if (addon === undefined) return;
  const path = `/apps/${customer.app}/addons/${addon}`;
  const { status } = await ask(world, "PATCH", path, { plan: { name: `acme-search:${plan}` } });
  world.ear.say(`${customer.app} changes to ${plan} → ${status}`);
  if (customer.addon !== addon || customer.doubt?.kind === "removal") return;
  if (status === 503) customer.doubt = { kind: "plan", plan };
  // A refusal says nothing about what was asked before.
  else if (status === 200 || status === 404) customer.doubt = undefined;
}

export async function remove(world: World, customer: Customer): Promise<void> {
  const { addon } = customer;
  if (addon === undefined) return;
  const { status } = await ask(world, "DELETE", `/apps/${customer.app}/addons/${addon}`);
  world.ear.say(`${customer.app} removes → ${status}`);
  if (customer.addon !== addon) return;
  if (status === 200 || status === 404) {
    customer.addon = undefined;
    customer.doubt = undefined;
  } else customer.doubt = { kind: "removal" };
}

/** Asks again what got no certain answer. */
export async function askAgain(world: World, customer: Customer): Promise<void> {
  const { doubt } = customer;
  if (doubt?.kind === "removal") await remove(world, customer);
  if (doubt?.kind === "plan") await changePlan(world, customer, doubt.plan);
}

/** The vendor's product rotates; the provider's answer may be lost, and nobody asks again. */
export async function rotate(world: World, customer: Customer, overlapSeconds: number): Promise<void> {
  const addon = (await addonsOf(world)).find(({ id }) => id === customer.addon);
  if (!addon?.provider_id) return;
  const said = await productApi(world, "/v1/credentials/rotate", {
    tenant: addon.provider_id,
    overlap_seconds: overlapSeconds,
  }).then(
    ({ status }) => String(status),
    () => "no answer",
  );
  world.ear.say(`the product rotates the credentials of ${customer.app} → ${said}`);
}

/** A call to our API by the vendor's product. */
export async function productApi(
  world: World,
  path: string,
  body: object,
  origin = world.front.origin,
): Promise<Reply> {
  const headers = { authorization: `Bearer ${world.productSecret}`, "content-type": "application/json" };
  const answer = await fetch(`${origin}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: answer.status, body: await answer.json() };
}
