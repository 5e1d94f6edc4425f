import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { answerJson, configVars, isAdmitted, purchaseOf, readJson } from "./request.ts";

/** `node:http` and nothing else: Basic authentication, JSON, the checks of a purchase, an answer. */
export function bareIntake(): Server {
  return createServer((req, res) => void answer(req, res));
}

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (!isAdmitted(req.headers.authorization, "basic")) return answerJson(res, 401, {});
  const purchase = purchaseOf(await readJson(req));
  if (purchase === undefined) answerJson(res, 422, {});
  else answerJson(res, 200, { id: purchase.uuid, config: configVars(purchase.uuid) });
}
