import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request Heroku has got. */
export interface Heard {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

/** What it answers: a status with a body, nothing at all, or a connection that breaks. */
export type Said =
  | { readonly status: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> }
  | "silence"
  | "break";

export interface FakeHeroku {
  readonly url: string;
  readonly heard: Heard[];
  /** The answers to the next requests for `METHOD path`, in order; the usual ones come after them. */
  say(request: string, ...answers: readonly (Said | Promise<Said>)[]): void;
  /** The requests for `METHOD path` so far. */
  to(request: string): readonly Heard[];
  /** How every add-on and its app look. */
  readonly world: World;
  /** Forgets what was heard, what was to be said, and how the world was changed. */
  reset(): void;
  close(): Promise<void>;
}

export interface World {
  addonName: string;
  addonState: string;
  appName: string;
  team: { readonly id: string; readonly name: string } | null;
}

/** The Platform API for one provider and its token endpoint, on a port of the system's choice; it accepts any token. */
export async function fakeHeroku(): Promise<FakeHeroku> {
  const heard: Heard[] = [];
  const script = new Map<string, (Said | Promise<Said>)[]>();
  const world: World = { ...usualWorld };

  const server = createServer(async (req, res) => {
    const call = { method: req.method ?? "", path: req.url ?? "", headers: req.headers, text: await textOf(req) };
    heard.push(call);
    answer(res, (await script.get(`${call.method} ${call.path}`)?.shift()) ?? usual(call, heard, world));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    world,
    say: (request, ...answers) => script.set(request, [...(script.get(request) ?? []), ...answers]),
    to: (request) => heard.filter(({ method, path }) => `${method} ${path}` === request),
    reset: () => {
      heard.length = 0;
      script.clear();
      Object.assign(world, usualWorld);
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const usualWorld: World = { addonName: "acme-search-flat-1", addonState: "provisioned", appName: "shop", team: null };

/** The first that fits `METHOD path` answers. */
const answers: readonly (readonly [RegExp, (world: World, path: string) => unknown, number?])[] = [
  [/ \/apps\/[^/]+$/, appOf],
  [/ .*\/collaborators$/, () => collaborators],
  [/ .*\/members$/, () => members],
  [/^GET .*\/webhooks$/, () => []],
  [/^POST .*\/webhooks$/, () => webhook, 201],
  [/ .*\/config$/, () => []],
  [/ \/addons\//, addonOf],
];

function usual({ method, path }: Heard, heard: readonly Heard[], world: World): Said {
  if (path === "/oauth/token") return { status: 200, body: tokenPair(heard.length) };
  const [, make, status = 200] = answers.find(([fits]) => fits.test(`${method} ${path}`)) ?? [];
  return make === undefined ? { status: 404, body: { id: "not_found" } } : { status, body: make(world, path) };
}

function answer(res: ServerResponse, said: Said): void {
  if (said === "silence") return;
  if (said === "break") return void res.destroy();
  res.writeHead(said.status, { "content-type": "application/json", ...said.headers });
  res.end(typeof said.body === "string" ? said.body : JSON.stringify(said.body ?? {}));
}

async function textOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

const tokenPair = (number: number) => ({
  access_token: `access-${number}`,
  refresh_token: `refresh-${number}`,
  expires_in: 28_799,
  token_type: "Bearer",
});

function addonOf({ addonName, addonState, appName }: World, path: string) {
  return { id: path.split("/")[2], name: addonName, state: addonState, app: { id: "app-1", name: appName } };
}

function appOf({ appName, team }: World) {
  return { id: "app-1", name: appName, owner: { id: "user-1", email: "owner@example.com" }, team };
}

const webhook = { id: "webhook-1", url: "http://addons.example/heroku/webhooks" };

const collaborators = [
  { id: "c-1", role: "owner", user: { id: "user-1", email: "owner@example.com" } },
  { id: "c-2", role: null, user: { id: "user-2", email: "friend@example.com" } },
];

const members = [{ id: "user-3", email: "member@example.com", role: "admin" }];
