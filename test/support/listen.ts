import { once } from "node:events";
import type { Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Express } from "express";
import { createServer, drain } from "../../src/http/server.ts";

export interface Listening {
  readonly server: Server;
  readonly port: number;
  readonly url: string;
}

const servers = new Set<Server>();

/** Serves an app as production does, on a port of the system's choice; `closeServers` ends it. */
export async function listen(app: Express): Promise<Listening> {
  const server = createServer(app).listen(0, "127.0.0.1");
  servers.add(server);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { server, port, url: `http://127.0.0.1:${port}` };
}

export async function closeServers(): Promise<void> {
  await Promise.all([...servers].map((server) => drain(server, { timeoutMs: 0 })));
  servers.clear();
}

/** Sends bytes as they are; several parts go 400 ms apart. Tells what came back and how long the socket stayed open. */
export async function exchange(port: number, ...parts: string[]): Promise<{ text: string; ms: number }> {
  const startedAt = performance.now();
  const socket = connect(port, "127.0.0.1").on("error", () => undefined);
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
  });
  void trickle(socket, parts);
  await once(socket, "close");
  return { text, ms: performance.now() - startedAt };
}

async function trickle(socket: Socket, parts: readonly string[]): Promise<void> {
  for (const part of parts) {
    if (socket.destroyed) return;
    socket.write(part);
    if (parts.length > 1) await sleep(400);
  }
}
