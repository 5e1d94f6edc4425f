import type { Server } from "node:http";
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Router } from "express";
import type { VNode } from "preact";
import { ProviderError } from "../errors.ts";
import { type Controls, controlRoutes } from "./control.ts";
import type { Journal } from "./journal.ts";
import { assetRoutes } from "./page/assets.ts";
import { homePage } from "./page/home.tsx";

/** One marketplace that is played: its routes, and what it shows on the page. */
export interface PlayedSide {
  readonly router: Router;
  /** Routes that come before everything else, for a side that is told apart by headers rather than by paths. */
  readonly front?: Router;
  /** Its part of the page. */
  section(): VNode;
  reset(): void;
}

export interface AppOptions extends Controls {
  readonly sides: readonly PlayedSide[];
}

export function simulatorApp(options: AppOptions): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.use(contentSecurity, sameOriginForms);
  app.use(express.json({ type: ["json", "+json"], limit: "1mb" }), express.urlencoded({ extended: false }));
  for (const side of options.sides) if (side.front) app.use(side.front);
  app.use(controlRoutes(options), assetRoutes());
  app.get("/", (_request, response) => {
    const sections = options.sides.map((side) => side.section());
    response.type("html").send(homePage(options, sections));
  });
  for (const side of options.sides) app.use(side.router);
  app.use((_request, response) => void response.status(404).json(NOT_FOUND));
  app.use(answerError(options.journal));
  return app;
}

/** Listens and returns the origin. Throws `config_invalid` when the port cannot be had. */
export async function listen(server: Server, port: number, host: string): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    const fail = (cause: Error): void => {
      const message = `The simulator cannot listen on ${host}:${port}: ${cause.message}`;
      reject(new ProviderError("config_invalid", message, { cause }));
    };
    server.once("error", fail);
    server.listen(port, host, () => {
      server.off("error", fail);
      resolve();
    });
  });
  const address = server.address();
  const actualPort = typeof address === "object" && address !== null ? address.port : port;
  return `http://${host.includes(":") ? `[${host}]` : host}:${actualPort}`;
}

export async function stopListening(server: Server): Promise<void> {
  if (!server.listening) return;
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

const NOT_FOUND = { id: "not_found", message: "The requested API endpoint was not found." };

/** No inline script or style anywhere. Forms may go to the provider (the sign-in), so `form-action` stays open. */
const contentSecurity: RequestHandler = (_request, response, next) => {
  response.set({
    "Content-Security-Policy":
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
  });
  next();
};

/** A page of another origin must not press the buttons here. */
const sameOriginForms: RequestHandler = (request, response, next) => {
  const from = request.get("origin");
  if (request.method === "GET" || from === undefined || hostOf(from) === request.get("host")) return next();
  response.status(403).json({ id: "forbidden", message: "Requests from pages of other origins are refused." });
};

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

function answerError(journal: Journal): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    const status = typeof error === "object" && error !== null && "status" in error ? Number(error.status) : 500;
    if (status >= 400 && status < 500) {
      response.status(status).json({ id: "bad_request", message: "The body is not usable." });
      return;
    }
    journal.note(`The simulator failed to answer ${request.method} ${request.path}: ${String(error)}`);
    response.status(500).json({ id: "internal_server_error", message: "The simulator failed to answer." });
  };
}
