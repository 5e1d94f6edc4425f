import { createServer, type Server } from "node:http";
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from "express";
import helmet from "helmet";
import { pino } from "pino";
import { Counter, collectDefaultMetrics, Histogram, Registry } from "prom-client";
import { isAdmitted } from "./request.ts";

/** The features of our stack from the usual parts, as their documentation puts them together. */
export function stockServer(routes: (app: Express) => void, scheme: "basic" | "bearer" = "basic"): Server {
  const app = express();
  app.use(logLine(), countRequests(), helmet(), admit(scheme), express.json({ limit: "256kb" }));
  routes(app);
  app.use(answerError);
  return createServer(app);
}

function logLine(): RequestHandler {
  const logger = pino();
  return (req, res, next) => {
    const id = crypto.randomUUID();
    const startedAt = performance.now();
    res.setHeader("X-Request-Id", id);
    res.on("finish", () => {
      const ms = performance.now() - startedAt;
      const source = req.ip;
      logger.info({ id, method: req.method, path: req.path, status: res.statusCode, source, ms }, "answered");
    });
    next();
  };
}

function countRequests(): RequestHandler {
  const registers = [new Registry()];
  collectDefaultMetrics({ register: registers[0] as Registry });
  const labelNames = ["route", "method", "status"];
  const count = new Counter({ name: "requests_total", help: "Answered requests", labelNames, registers });
  const time = new Histogram({ name: "request_seconds", help: "How long they took", labelNames, registers });
  return (req, res, next) => {
    const end = time.startTimer();
    res.on("finish", () => {
      const labels = { route: req.route?.path ?? "none", method: req.method, status: res.statusCode };
      count.inc(labels);
      end(labels);
    });
    next();
  };
}

function admit(scheme: "basic" | "bearer"): RequestHandler {
  return (req, res, next) => {
    if (isAdmitted(req.get("authorization"), scheme)) next();
    else res.status(401).json({});
  };
}

const answerError: ErrorRequestHandler = (_fault, _req, res, _next) => {
  res.status(500).json({});
};
