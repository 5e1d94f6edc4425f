import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** What happens to the first client that sends a message with this text. */
export interface Cut {
  readonly statement: string | RegExp;
  /** before: the server never sees it. after: the server has carried it out, its answer is lost. */
  readonly when: "before" | "after";
}

export interface PgProxy {
  /** The same login and database, through the proxy. */
  readonly url: string;
  /** Cuts the connection once; answers how often a cut has happened. */
  cut(cut: Cut): void;
  readonly cuts: number;
  /** From now on, or from now on no more, every byte is swallowed and the connections stay open. */
  blackHole(on: boolean): void;
  /** The next connection is ended by the server in the same packet that says it is ready. */
  endNextWhenReady(): void;
}

const open = new Set<() => Promise<unknown>>();

/** Ends every proxy of this file and the connections through them. */
export async function closeProxies(): Promise<void> {
  await Promise.all([...open].map((close) => close()));
  open.clear();
}

const READY_FOR_QUERY = "Z".charCodeAt(0);
const TERMINATED = errorMessage("SFATAL", "C57P01", "Mterminating connection due to administrator command");

/** A TCP proxy before PostgreSQL that loses connections at chosen moments. */
export async function pgProxy(databaseUrl: string): Promise<PgProxy> {
  const { hostname, port } = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let armed: Cut | undefined;
  let cuts = 0;
  let swallowing = false;
  let endingWhenReady = false;

  const server = createServer((client) => {
    const upstream = connect(Number(port || 5432), hostname);
    let loseAnswer = false;
    const destroy = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", destroy).on("close", () => {
        sockets.delete(socket);
        destroy();
      });
    }
    client.on("data", (chunk) => {
      if (swallowing) return;
      if (armed === undefined || !matches(armed, chunk)) {
        upstream.write(chunk);
        return;
      }
      const { when } = armed;
      armed = undefined;
      cuts += 1;
      loseAnswer = when === "after";
      if (loseAnswer) upstream.write(chunk);
      else destroy();
    });
    upstream.on("data", (chunk) => {
      if (swallowing) return;
      if (endingWhenReady && isReady(chunk)) {
        endingWhenReady = false;
        client.end(Buffer.concat([chunk, TERMINATED]));
      } else if (!loseAnswer) client.write(chunk);
      else if (isReady(chunk)) destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  open.add(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    return once(server, "close");
  });
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url: url.href,
    cut: (cut) => {
      armed = cut;
    },
    get cuts() {
      return cuts;
    },
    blackHole: (on) => {
      swallowing = on;
    },
    endNextWhenReady: () => {
      endingWhenReady = true;
    },
  };
}

function errorMessage(...fields: readonly string[]): Buffer {
  const body = Buffer.from(`${fields.map((field) => `${field}\0`).join("")}\0`);
  const head = Buffer.from("E\0\0\0\0");
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** The server has carried out what it was sent: its last message is `Z`, of 5 bytes. */
function isReady(chunk: Buffer): boolean {
  return chunk.length >= 6 && chunk.at(-6) === READY_FOR_QUERY && chunk.readUInt32BE(chunk.length - 5) === 5;
}

function matches({ statement }: Cut, chunk: Buffer): boolean {
  const text = chunk.toString("latin1");
  return typeof statement === "string" ? text.includes(statement) : statement.test(text);
}
