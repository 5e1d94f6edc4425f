import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";
import { type Request, type RequestHandler, type Response, Router } from "express";
import { chartScript } from "./chart-script.ts";
import { copyScript } from "./copy-script.ts";
import { liveScript } from "./live-script.ts";
import { stylesheet } from "./stylesheet.ts";

interface Asset {
  /** Names the content, so that a browser may keep the file for ever. */
  readonly path: string;
  readonly type: string;
  readonly plain: Buffer;
  readonly zipped: Buffer;
}

const types = { css: "text/css; charset=utf-8", js: "text/javascript; charset=utf-8" } as const;

const installed = (file: string): Buffer => readFileSync(createRequire(import.meta.url).resolve(file));

/** Everything a page loads. There is no build: what is written or installed is what is served. */
export const assets = {
  stylesheet: asset("dashboard", "css", Buffer.from(stylesheet)),
  copyScript: asset("copy", "js", Buffer.from(copyScript)),
  liveScript: asset("live", "js", Buffer.from(liveScript)),
  htmx: asset("htmx", "js", installed("htmx.org/dist/htmx.min.js")),
  plot: asset("plot", "js", installed("uplot/dist/uPlot.iife.min.js")),
  plotStyle: asset("plot", "css", installed("uplot/dist/uPlot.min.css")),
  chartScript: asset("chart", "js", Buffer.from(chartScript)),
} as const;

function asset(name: string, ending: keyof typeof types, plain: Buffer): Asset {
  const version = createHash("sha256").update(plain).digest("hex").slice(0, 12);
  return { path: `/assets/${name}.${version}.${ending}`, type: types[ending], plain, zipped: gzipSync(plain) };
}

/** Mounted at `/assets`. */
export function assetRoutes(): Router {
  const router = Router();
  for (const file of Object.values(assets)) router.get(file.path.replace("/assets", ""), serve(file));
  return router;
}

function serve(file: Asset): RequestHandler {
  return function serveAsset(request: Request, response: Response) {
    const zipped = request.acceptsEncodings("gzip") === "gzip";
    const body = zipped ? file.zipped : file.plain;
    if (zipped) response.setHeader("Content-Encoding", "gzip");
    response.writeHead(200, {
      "Content-Type": file.type,
      "Content-Length": body.length,
      "Cache-Control": "public, max-age=31536000, immutable",
      Vary: "Accept-Encoding",
    });
    response.end(body);
  };
}
