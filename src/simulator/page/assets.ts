import { type RequestHandler, Router } from "express";
import { refreshScript, submitScript } from "./scripts.ts";
import { stylesheet } from "./stylesheet.ts";

export function assetRoutes(): Router {
  const router = Router();
  router.get("/_assets/simulator.css", serve("css", stylesheet));
  router.get("/_assets/refresh.js", serve("js", refreshScript));
  router.get("/_assets/submit.js", serve("js", submitScript));
  return router;
}

function serve(type: string, text: string): RequestHandler {
  return (_request, response) => void response.type(type).send(text);
}
