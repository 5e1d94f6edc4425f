import { setMaxListeners } from "node:events";
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Server as NetServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Express } from "express";
import { expressPrototypes } from "./express-prototypes.ts";
import { listenerOf } from "./hot-routes.ts";

const HEADERS_WITHIN_MS = 5_000;
const IDLE_SOCKET_MS = 6_000;
const REQUEST_WITHIN_MS = 30_000;
const SILENT_ANSWER_MS = 60_000;
const MAX_HEADERS = 64;
const MAX_HEADER_BYTES = 16_384;
const MAX_SOCKETS = 10_000;

const limits = {
  headersTimeout: HEADERS_WITHIN_MS,
  requestTimeout: REQUEST_WITHIN_MS,
  keepAliveTimeout: IDLE_SOCKET_MS,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: MAX_HEADER_BYTES,
  insecureHTTPParser: false,
  requireHostHeader: true,
  noDelay: true,
};

const socketsOf = new WeakMap<Server, Set<Socket>>();
const leaving = new WeakMap<Server, AbortController>();
const leavingOf = new WeakMap<Socket, AbortSignal>();

/** Aborted once the server of this request drains: an answer without an end of its own ends then. */
export function whenLeaving(req: IncomingMessage): AbortSignal | undefined {
  return leavingOf.get(req.socket);
}

/**
 * The one way to serve an app, in production and in tests: with Express's prototypes in place (see
 * `expressPrototypes`; without them where they do not hold), with its hot routes first (`answerFirst`) and with the limits against slow and oversized requests.
 * Headers must be complete within 5 s and the whole request within 30 s; an idle socket is closed after 6 s, one whose
 * reader takes nothing for 60 s is cut; more than 64 headers or 16 kB of them are answered 431.
 */
export function createServer(app: Express): Server {
  const listener = listenerOf(app);
  const server = createHttpServer({ ...limits, ...expressPrototypes(app) }, (req, res) => {
    if (req.rawHeaders.length > MAX_HEADERS * 2) refuseHeaders(req, res);
    else listener(req, res);
  });
  // Node drops headers above its own count without a word, so it may count none and the listener refuses instead.
  server.maxHeadersCount = 0;
  server.maxConnections = MAX_SOCKETS;
  server.timeout = SILENT_ANSWER_MS;
  rememberSockets(server);
  return server;
}

function refuseHeaders(_req: IncomingMessage, res: ServerResponse): void {
  res.writeHead(431, { Connection: "close", "Content-Length": 0 }).end();
}

function rememberSockets(server: Server): void {
  const sockets = new Set<Socket>();
  const leave = new AbortController();
  // Each stream listens, and there may be many.
  setMaxListeners(0, leave.signal);
  leaving.set(server, leave);
  server.on("connection", (socket) => {
    sockets.add(socket);
    leavingOf.set(socket, leave.signal);
    socket.once("close", () => sockets.delete(socket));
  });
  socketsOf.set(server, sockets);
}

const LEAVE_MS = 500;
const LOOK_EVERY_MS = 25;

const drains = new WeakMap<Server, Promise<boolean>>();

/**
 * Stops a server without cutting a request. For up to half a second it still accepts, but each answer tells its client
 * to leave the connection, and streams end (`whenLeaving`); then it stops listening, closes sockets as they become idle, and after `timeoutMs` in all
 * cuts what is left. Answers whether everything was finished. A second call answers the first one's promise.
 */
export function drain(server: Server, { timeoutMs }: { timeoutMs: number }): Promise<boolean> {
  const running = drains.get(server) ?? runDrain(server, timeoutMs);
  drains.set(server, running);
  return running;
}

async function runDrain(server: Server, timeoutMs: number): Promise<boolean> {
  const sockets = socketsOf.get(server) ?? new Set();
  const deadline = performance.now() + timeoutMs;
  leaving.get(server)?.abort();
  server.prependListener("request", (_req, res) => res.setHeader("Connection", "close"));

  const leaveUntil = Math.min(deadline, performance.now() + LEAVE_MS);
  while (sockets.size > 0 && performance.now() < leaveUntil) await sleep(LOOK_EVERY_MS);

  stopListening(server);
  while (sockets.size > 0 && performance.now() < deadline) {
    closeIdle(server, sockets);
    await sleep(LOOK_EVERY_MS);
  }
  const finished = sockets.size === 0;
  for (const socket of sockets) socket.destroy();
  return finished;
}

/** `http.Server.close` would also destroy sockets whose answer is ended but not yet written; the one beneath does not. */
function stopListening(server: Server): void {
  NetServer.prototype.close.call(server);
}

/** Node counts a socket as idle once `end()` was called, even if bytes still wait; so only when none wait. */
function closeIdle(server: Server, sockets: ReadonlySet<Socket>): void {
  for (const socket of sockets) if (socket.writableLength > 0) return;
  server.closeIdleConnections();
}
