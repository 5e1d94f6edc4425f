import { Router } from "express";
import { assets } from "../../assets.ts";
import { sendPage } from "../../send-page.ts";
import { ConsolePage } from "../frame.tsx";
import { type ConsoleParts, crossing } from "../parts.ts";
import { Board } from "./board.tsx";
import { readHome } from "./home-view.ts";
import { liveBoard } from "./live.tsx";

/** Mounted at `/console` itself. */
export function homeRoutes(parts: ConsoleParts): Router {
  const router = Router();
  router.get("/", async (request, response) => {
    const now = parts.clock.now();
    const store = crossing(parts, request, "looks at the console's home");
    const view = await readHome(store, [...parts.marketplaces.keys()], now);
    sendPage(
      response,
      <ConsolePage title="Home" section="/console" parts={parts} request={request} head={<LiveScript />}>
        <h1>How it stands</h1>
        <div class="column" data-live="/console/live">
          <Board view={view} now={now} />
        </div>
      </ConsolePage>,
    );
  });
  router.get("/live", liveBoard(parts));
  return router;
}

function LiveScript() {
  return <script src={assets.liveScript.path} defer />;
}
