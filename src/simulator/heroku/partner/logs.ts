import { type Answer, notFound, type Refusal } from "../model/answers.ts";
import type { Call, Route } from "../route.ts";

/** Where `log_input_url` points: lines are taken and thrown away. */
export const logRoutes: readonly Route[] = [
  { method: "post", path: "/logs/:addon", who: "anybody", answer: takeLines },
];

function takeLines(call: Call): Answer | Refusal {
  const addon = call.platform.state.addons.get(call.params["addon"] ?? "");
  const expected = Buffer.from(`addon:${addon?.logDrainToken.slice(2)}`).toString("base64");
  return call.header("authorization") === `Basic ${expected}` ? { status: 204 } : notFound("log input");
}
