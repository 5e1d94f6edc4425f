import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { SimulatorManifest } from "../../src/simulator/simulator.ts";

export interface TinyCall {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** The parsed JSON, or an empty object. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface TinyAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly afterMs?: number;
}

/** Sees each call before the honest answer is made, and may answer instead. */
export type Twist = (call: TinyCall, honest: () => TinyAnswer) => TinyAnswer;

export interface TinyProviderOptions {
  readonly manifest: SimulatorManifest;
  readonly clientSecret: string;
  readonly twist?: Twist;
  /** Whether a plan called `slow` is finished by calls to the platform; else it never is. */
  readonly finishes?: boolean;
}

export interface TinyProvider {
  readonly origin: string;
  readonly calls: readonly TinyCall[];
  /** The answers of the platform to our own calls: method, path and status. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

/** The least that is an honest provider: keyed on the uuid, the same answer for the same call, gone is gone. */
export async function startTinyProvider(options: TinyProviderOptions): Promise<TinyProvider> {
  const calls: TinyCall[] = [];
  const asked: string[] = [];
  const state = new Map<string, "live" | "gone">();
  const server = createServer((request, response) => {
    void readCall(request).then(async (call) => {
      calls.push(call);
      const honest = () => honestAnswer(options, state, asked, call);
      const answer = options.twist?.(call, honest) ?? honest();
      if (answer.afterMs) await new Promise((resolve) => setTimeout(resolve, answer.afterMs));
      write(response, answer);
    });
  });
  const origin = await listen(server);
  const close = () => new Promise<void>((resolve) => void server.close(() => resolve()).closeAllConnections());
  return { origin, calls, asked, close };
}

function honestAnswer(
  options: TinyProviderOptions,
  state: Map<string, "live" | "gone">,
  asked: string[],
  call: TinyCall,
): TinyAnswer {
  if (call.path === "/heroku/sso") return signIn(options.manifest, call);
  if (call.path.startsWith("/dashboard")) return { status: 200, body: "welcome" };
  const { id, api } = options.manifest;
  const basic = `Basic ${Buffer.from(`${id}:${api.password}`).toString("base64")}`;
  if (call.headers.authorization !== basic) return { status: 401, body: { message: "Who are you?" } };
  const uuid = call.method === "POST" ? String(call.body["uuid"]) : (call.path.split("/").at(-1) ?? "");
  if (state.get(uuid) === "gone") return { status: 410, body: { message: "It is gone." } };
  if (call.method === "POST") return provision(options, state, asked, call, uuid);
  if (!state.has(uuid)) return { status: 404, body: { message: "There is no such resource." } };
  if (call.method === "PUT") return { status: 200, body: { message: `On ${String(call.body["plan"])} now.` } };
  state.set(uuid, "gone");
  return { status: 204 };
}

function provision(
  options: TinyProviderOptions,
  state: Map<string, "live" | "gone">,
  asked: string[],
  call: TinyCall,
  uuid: string,
): TinyAnswer {
  const fresh = !state.has(uuid);
  state.set(uuid, "live");
  if (call.body["plan"] !== "slow")
    return { status: 200, body: { id: uuid, config: configOf(uuid), message: "Ready." } };
  if (fresh && options.finishes) setTimeout(() => void finish(options, asked, call, uuid).catch(() => undefined), 50);
  return { status: 202, body: { id: uuid, message: "Soon." } };
}

export function configOf(uuid: string) {
  return { QUIET_SEARCH_URL: `https://search.example.com/${uuid}`, QUIET_SEARCH_API_KEY: `key-of-${uuid}` };
}

/** What follows a 202: exchange the grant, push the config vars, say that it is done. */
async function finish(options: TinyProviderOptions, asked: string[], call: TinyCall, uuid: string): Promise<void> {
  const platform = new URL(String(call.body["callback_url"])).origin;
  const { code } = Object(call.body["oauth_grant"]);
  const ask = async (method: string, path: string, init: RequestInit): Promise<unknown> => {
    const answer = await fetch(`${platform}${path}`, { ...init, method });
    asked.push(`${method} ${path.replace(uuid, ":uuid")} ${answer.status}`);
    return answer.json();
  };
  const form = { grant_type: "authorization_code", code: String(code), client_secret: options.clientSecret };
  const tokens = Object(await ask("POST", "/oauth/token", { body: new URLSearchParams(form) }));
  const headers = { authorization: `Bearer ${String(tokens.access_token)}`, "content-type": "application/json" };
  const config = Object.entries(configOf(uuid)).map(([name, value]) => ({ name, value }));
  await ask("PATCH", `/addons/${uuid}/config`, { headers, body: JSON.stringify({ config }) });
  await ask("POST", `/addons/${uuid}/actions/provision`, { headers });
}

function signIn(manifest: SimulatorManifest, call: TinyCall): TinyAnswer {
  const form = new URLSearchParams(call.text);
  const of = (name: string): string => form.get(name) ?? "";
  const signed = `${of("resource_id")}:${manifest.api.sso_salt}:${of("timestamp")}:${of("user_id")}:${of("email")}`;
  const good = createHash("sha256").update(signed).digest("hex") === of("user_scoped_resource_token");
  return good ? { status: 302, headers: { location: "/dashboard" } } : { status: 403 };
}

async function readCall(request: IncomingMessage): Promise<TinyCall> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString("utf8");
  const isJson = request.headers["content-type"] === "application/json";
  const { method = "", url = "", headers } = request;
  return { method, path: url, headers, text, body: isJson && text !== "" ? Object(JSON.parse(text)) : {} };
}

function write(response: ServerResponse, { status, body, headers }: TinyAnswer): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : body === undefined ? undefined : JSON.stringify(body));
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
}
