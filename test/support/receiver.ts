import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import type { CloudEvent } from "../../src/events/envelope.ts";

/** What a receiver does with one request; it has the body by then. */
export type Manner = (response: ServerResponse, request: IncomingMessage) => void;

export interface ReceivedEvent {
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly event: CloudEvent;
}

export interface Receiver {
  readonly url: string;
  readonly got: ReceivedEvent[];
  manner: Manner;
  close(): Promise<void>;
}

export const takes: Manner = (response) => response.writeHead(204).end();
export const answers =
  (status: number, headers: Readonly<Record<string, string>> = {}): Manner =>
  (response) =>
    response.writeHead(status, headers).end();

const servers = new Set<Server>();

/** A vendor's system over real HTTP that keeps what it got and answers as it is told to. */
export async function receiver(manner: Manner = takes): Promise<Receiver> {
  const got: ReceivedEvent[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString("utf8");
    got.push({ headers: request.headers as Record<string, string>, text, event: JSON.parse(text) as CloudEvent });
    one.manner(response, request);
  });
  servers.add(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const one: Receiver = {
    url: `http://127.0.0.1:${port}/events`,
    got,
    manner,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      servers.delete(server);
    },
  };
  return one;
}

export async function closeReceivers(): Promise<void> {
  await Promise.all(
    [...servers].map((server) => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    }),
  );
  servers.clear();
}

/** What came, in order: the types without the service's name, the ids, the sequences. */
export const typesAt = ({ got }: Receiver): string[] => got.map(({ event }) => event.type.split(".tenant.")[1] ?? "");
export const idsAt = ({ got }: Receiver): string[] => got.map(({ event }) => event.id);
export const sequencesAt = ({ got }: Receiver): number[] => got.map(({ event }) => Number(event.sequence));

/** The sequences of what came of one tenant, in order. */
export const toldOf = (tenant: { readonly id: string }, { got }: Receiver): number[] =>
  got.filter(({ event }) => event.subject === tenant.id).map(({ event }) => Number(event.sequence));

/** Throws unless the vendor's own library takes the signature. */
export function verify(secret: string, { text, headers }: ReceivedEvent): void {
  new Webhook(secret).verify(text, { ...headers });
}
