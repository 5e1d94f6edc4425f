import type { Reply, Simulation } from "./open-simulation.ts";
import { CLIENT_SECRET } from "./sample-manifest.ts";
import type { TinyCall } from "./tiny-provider.ts";

type Send = (method: string, path: string, body?: unknown) => Promise<Reply>;

interface Bought {
  readonly id: string;
  readonly name: string;
  /** Asks with the add-on's own token. */
  readonly asProvider: Send;
  readonly tokens: Readonly<Record<string, unknown>>;
}

export function exchangeCode(simulation: Simulation, code: unknown, secret = CLIENT_SECRET): Promise<Reply> {
  const body = { grant_type: "authorization_code", code, client_secret: secret };
  return simulation.ask("POST", "/oauth/token", body);
}

export function codeOf(call: TinyCall | undefined): unknown {
  return Object(call?.body["oauth_grant"]).code;
}

/** Buys, and exchanges the grant that came with it. */
export async function buyWithToken(simulation: Simulation, plan: string, app = "demo"): Promise<Bought> {
  const { body } = await simulation.ask("POST", `/apps/${app}/addons`, { plan: `quiet-search:${plan}` });
  const { body: tokens } = await exchangeCode(simulation, codeOf(simulation.provider.calls.at(-1)));
  const headers = { authorization: `Bearer ${tokens.access_token}` };
  const asProvider: Send = (method, path, sent) => simulation.ask(method, path, sent, headers);
  return { id: body.id, name: body.name, asProvider, tokens };
}
