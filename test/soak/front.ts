import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from "node:http";
import { listenLocally } from "./listen-locally.ts";

export interface FrontOptions {
  /** Where the provider listens; waits while it is being started. */
  readonly port: () => Promise<number>;
  /** Whether a request whose answer was lost is sent again once the provider is back. */
  readonly isPatient: () => boolean;
  readonly say: (line: string) => void;
}

/** The way from everybody to the provider: it keeps its own account of what was asked and answered. */
export interface Front {
  readonly origin: string;
  /** Requests under way that reached the provider less than `ms` ago. */
  younger(ms: number): number;
  /** New requests wait until the answered function is called. */
  hold(): () => void;
  /** Provisions, plan changes and deprovisions that were answered. */
  readonly lifecycleCalls: number;
  /** Every uuid that was ever to be provisioned, with the ids it was answered. */
  readonly ids: ReadonlyMap<string, ReadonlySet<string>>;
  /** Answers that no caller should ever get. */
  readonly offences: readonly string[];
  /** Sends the first provision of this uuid again, as it was. */
  repeat(uuid: string): Promise<number>;
  reset(): void;
  close(): Promise<void>;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const RESOURCES = "/heroku/resources";
const TRIES = 4;
const ANSWER_WITHIN_MS = 30_000;

export async function openFront(options: FrontOptions): Promise<Front> {
  const ids = new Map<string, Set<string>>();
  const firsts = new Map<string, Asked>();
  const offences: string[] = [];
  const underWay = new Set<{ since: number }>();
  let lifecycleCalls = 0;
  let free: Promise<void> = Promise.resolve();

  const note = (asked: Asked, { status, body }: Answered): void => {
    const isLifecycle = asked.path.startsWith(RESOURCES);
    if (isLifecycle) lifecycleCalls += 1;
    if (status === 500)
      offences.push(`${asked.method} ${asked.path} was answered 500: ${body.toString().slice(0, 200)}`);
    options.say(`${asked.method} ${shortened(asked.path)} → ${status}`);
    const uuid = uuidIn(asked);
    if (uuid === undefined || status > 202) return;
    const { id } = JSON.parse(body.toString()) as { id: string };
    ids.set(uuid, (ids.get(uuid) ?? new Set()).add(id));
    if ((ids.get(uuid)?.size ?? 0) > 1) offences.push(`The uuid ${uuid} was answered with several ids.`);
  };

  const pass = async (asked: Asked): Promise<Answered> => {
    const uuid = uuidIn(asked);
    if (uuid !== undefined && !firsts.has(uuid)) {
      firsts.set(uuid, asked);
      ids.set(uuid, new Set());
    }
    for (let tried = 1; ; tried += 1) {
      try {
        const answered = await attempt(asked);
        note(asked, answered);
        return answered;
      } catch (fault) {
        options.say(`${asked.method} ${shortened(asked.path)} got no answer`);
        if (tried === TRIES || !options.isPatient()) throw fault;
      }
    }
  };

  const attempt = async (asked: Asked): Promise<Answered> => {
    const port = await options.port();
    await free;
    const mine = { since: performance.now() };
    underWay.add(mine);
    try {
      return await send(port, asked);
    } finally {
      underWay.delete(mine);
    }
  };

  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { method = "", url: path = "", headers } = incoming;
    const {
      status,
      headers: answerHeaders,
      body,
    } = await pass({ method, path, headers, body: await bytesOf(incoming) });
    outgoing.writeHead(status, { ...answerHeaders, connection: "close" }).end(body);
  };
  const server = createServer((incoming, outgoing) => {
    void serve(incoming, outgoing).catch(() => outgoing.destroy());
  });
  const { origin, close } = await listenLocally(server);

  return {
    origin,
    younger: (ms) => [...underWay].filter(({ since }) => performance.now() - since < ms).length,
    hold: () => {
      let release = (): void => undefined;
      free = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
    get lifecycleCalls() {
      return lifecycleCalls;
    },
    ids,
    offences,
    repeat: async (uuid) => {
      const first = firsts.get(uuid);
      if (first === undefined) return 0;
      return pass(first).then(
        ({ status }) => status,
        () => 0,
      );
    },
    reset: () => {
      ids.clear();
      firsts.clear();
    },
    close,
  };
}

function uuidIn({ method, path, body }: Asked): string | undefined {
  if (method !== "POST" || path !== RESOURCES) return undefined;
  return (JSON.parse(body.toString()) as { uuid: string }).uuid;
}

/** One try on a connection of its own. Rejects when the answer is not whole. */
function send(port: number, { method, path, headers, body }: Asked): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: "127.0.0.1", port, method, path, headers: { ...headers, connection: "close" }, agent: false },
      (incoming) => {
        incoming.on("error", reject);
        bytesOf(incoming).then(
          (bytes) => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: bytes }),
          reject,
        );
      },
    );
    outgoing.setTimeout(ANSWER_WITHIN_MS, () => outgoing.destroy(new Error("The provider is silent.")));
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

async function bytesOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const shortened = (path: string): string => path.replace(/([0-9a-z]{6})[0-9a-z-]{20,30}/, "$1…");
