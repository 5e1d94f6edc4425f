import { once } from "node:events";
import type { AddressInfo } from "node:net";
import pg from "pg";
import { PASSWORD } from "../parties.ts";
import { service } from "../servers/service.ts";

/** One message to the database and its answer. */
export interface Trip {
  readonly text: string;
  readonly values: readonly unknown[];
}

export interface AskedPage {
  readonly status: number;
  readonly bytes: number;
  readonly milliseconds: number;
  readonly trips: readonly Trip[];
}

/** The service in this process, with an operator signed in. Pages are asked for one at a time. */
export interface AskedServer {
  ask(path: string): Promise<AskedPage>;
  close(): Promise<void>;
}

export async function startAsked(databaseUrl: string): Promise<AskedServer> {
  const noted = noteTrips();
  const server = await service(databaseUrl, "silent");
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cookie = await signedIn(origin);
  return {
    ask: async (path) => {
      noted.trips.length = 0;
      const startedAt = performance.now();
      const answer = await fetch(`${origin}/console${path}`, { headers: { cookie }, redirect: "manual" });
      const bytes = (await answer.arrayBuffer()).byteLength;
      const milliseconds = performance.now() - startedAt;
      return { status: answer.status, bytes, milliseconds, trips: [...noted.trips] };
    },
    close: async () => {
      server.close();
      server.closeAllConnections();
      noted.end();
    },
  };
}

async function signedIn(origin: string): Promise<string> {
  const answer = await fetch(`${origin}/console/sign-in`, {
    method: "POST",
    body: new URLSearchParams({ token: PASSWORD }),
    redirect: "manual",
  });
  const cookie = answer.headers.get("set-cookie")?.split(";")[0];
  if (answer.status !== 303 || cookie === undefined) throw new Error(`Signing in was answered ${answer.status}.`);
  return cookie;
}

type Ask = (this: pg.Client, ...given: unknown[]) => unknown;

/** Every query of every connection passes through one function of the driver. */
function noteTrips() {
  const trips: Trip[] = [];
  const driver = pg.Client.prototype as unknown as { query: Ask };
  const { query } = driver;
  driver.query = function notedQuery(...given) {
    const [first, second] = given;
    const { text, values } =
      typeof first === "object" ? (first as Partial<Trip>) : { text: first as string, values: second };
    trips.push({ text: text ?? "", values: Array.isArray(values) ? values : [] });
    return query.call(this, ...given);
  };
  const end = (): void => {
    driver.query = query;
  };
  return { trips, end };
}
