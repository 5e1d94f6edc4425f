import { createRequire } from "node:module";
import { dirname } from "node:path";
import express, { type RequestHandler, Router } from "express";
import { errorFacts } from "../errors.ts";
import { describeEvents, type Speaker } from "../events/envelope.ts";
import { answerJson, answerText } from "../http/answer.ts";
import { eventsPage } from "./events-page.ts";
import { openApiDocument } from "./openapi.ts";

const HTML = "text/html; charset=utf-8";
const assets = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));

const page = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Stallholder API</title><meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css"></head>
<body><main id="swagger-ui"></main><noscript>The description itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
<script src="/docs/assets/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>`;

const start = `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true });`;

/** Swagger UI sets styles from its script; nothing else here is loosened. */
const allowItsStyles: RequestHandler = (_req, res, next) => {
  res.setHeader(
    "Content-Security-Policy",
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
      "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  );
  next();
};

/** `/docs` (try the API in the browser), `/docs/errors` (what each code means), `/docs/events`, `/openapi.json`. */
export function docsRoutes(speaker: Speaker): Router {
  const document = openApiDocument();
  const errors = errorsPage();
  const router = Router();
  router.get("/openapi.json", (_req, res) => answerJson(res, 200, document));
  router.get("/docs", allowItsStyles, (_req, res) => answerText(res, 200, HTML, page));
  router.get("/docs/start.js", (_req, res) => answerText(res, 200, "text/javascript; charset=utf-8", start));
  router.get("/docs/errors", (_req, res) => answerText(res, 200, HTML, errors));
  router.use(eventDocs(speaker));
  router.use("/docs/assets", express.static(assets, { index: false, maxAge: "1d" }));
  return router;
}

/** The catalogue of events for people and for programs. */
function eventDocs(speaker: Speaker): Router {
  const described = describeEvents(speaker);
  const schemas = new Map(described.map(({ type, schema }) => [`${type}.json`, schema]));
  const page = eventsPage(speaker);
  const router = Router();
  router.get("/docs/events", (_req, res) => answerText(res, 200, HTML, page));
  router.get("/docs/events.json", (_req, res) => answerJson(res, 200, described));
  router.get("/docs/events/:file", (req, res, next) => {
    const schema = schemas.get(String(req.params["file"]));
    if (schema === undefined) next();
    else answerJson(res, 200, schema);
  });
  return router;
}

function errorsPage(): string {
  const rows = Object.entries(errorFacts).map(
    ([code, { status, title, retryable }]) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${title}</td><td>${retryable ? "yes, later" : "no"}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Errors · Stallholder</title><meta name="viewport" content="width=device-width"></head>
<body><main><h1>Errors</h1>
<table><caption>Every code an answer can carry</caption>
<thead><tr><th scope="col">Code</th><th scope="col">Status</th><th scope="col">Meaning</th><th scope="col">Repeat?</th></tr></thead>
<tbody>${rows.join("\n")}</tbody></table></main></body></html>`;
}
