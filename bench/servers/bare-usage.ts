import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { answerJson, isAdmitted, readJson } from "./request.ts";
import { type Event, isEvent } from "./stock-usage.ts";

/** `node:http` and nothing else: Bearer authentication, JSON, the checks of an event, receipts. What no server in Node can exceed. */
export function bareUsage(): Server {
  return createServer((req, res) => void answer(req, res));
}

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (!isAdmitted(req.headers.authorization, "bearer")) return answerJson(res, 401, {});
  const body = await readJson(req);
  const events = (Array.isArray(body) ? body : [body]) as Event[];
  if (!events.every(isEvent)) answerJson(res, 422, {});
  else answerJson(res, 200, { receipts: events.map(({ id }) => ({ id, status: "accepted" })) });
}
