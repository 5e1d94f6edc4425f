import type { Finding } from "../marketplace.ts";
import type { HerokuOptions } from "./options.ts";
import { send } from "./platform/send.ts";

const CHECK = "heroku";

/** Whether Heroku's two sides can be reached, and whether its requests come to this service. Never throws. */
export async function checkConnection(options: HerokuOptions, within: AbortSignal): Promise<readonly Finding[]> {
  const { apiUrl, idUrl } = options.settings;
  const [api, id] = await Promise.all([
    answers(apiUrl, "HEROKU_API_URL", within),
    answers(idUrl, "HEROKU_ID_URL", within),
  ]);
  return [api, id, comesHere(options)];
}

async function answers(origin: string, setting: string, within: AbortSignal): Promise<Finding> {
  try {
    const { status } = await send(`${origin}/`, { method: "GET", headers: {} }, within);
    if (status < 500) return { check: CHECK, verdict: "ok", says: `${origin} answers` };
    const cure = "Look at status.heroku.com, and test again.";
    return { check: CHECK, verdict: "fault", says: `${origin} answers ${status}`, cure };
  } catch {
    const cure = `Look at the network, and at ${setting} if it is set.`;
    return { check: CHECK, verdict: "fault", says: `${origin} does not answer`, cure };
  }
}

/** Heroku calls the address that the manifest names. */
function comesHere({ catalog, publicUrl }: HerokuOptions): Finding {
  const says = `Heroku calls ${catalog.baseUrl}`;
  if (catalog.baseUrl.startsWith(`${publicUrl}/`)) return { check: CHECK, verdict: "ok", says };
  const cure = `This service is at ${publicUrl}: mend api.production.base_url and push the manifest, or PUBLIC_URL.`;
  return { check: CHECK, verdict: "warning", says, cure };
}
