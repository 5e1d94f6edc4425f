import { Router } from "express";
import { sendPage } from "../../send-page.ts";
import { ConsolePage } from "../frame.tsx";
import type { ConsoleParts } from "../parts.ts";

/** Mounted at `/console` itself. */
export function homeRoutes(parts: ConsoleParts): Router {
  const router = Router();
  router.get("/", (request, response) => {
    sendPage(
      response,
      <ConsolePage title="Home" section="/console" parts={parts} request={request}>
        <h1>Home</h1>
      </ConsolePage>,
    );
  });
  return router;
}
