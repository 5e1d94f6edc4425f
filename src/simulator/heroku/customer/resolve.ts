import { textIn } from "../../json.ts";
import { resolveAddons, resolveAttachments } from "../model/addons.ts";
import { type Answer, notFound, ok, type Refusal } from "../model/answers.ts";
import { findApp } from "../model/apps.ts";
import type { App } from "../model/platform.ts";
import { addonView, attachmentView } from "../model/views.ts";
import type { Call, Route } from "../route.ts";

/** The CLI lets the platform find out what a customer means; several matches are for the CLI to complain about. */
export const resolveRoutes: readonly Route[] = [
  { method: "post", path: "/actions/addons/resolve", who: "customer", answer: addons },
  { method: "post", path: "/actions/addon-attachments/resolve", who: "customer", answer: attachments },
];

function appNamed(call: Call): App | undefined {
  return findApp(call.platform.state, textIn(call.body, "app") ?? "");
}

function addons(call: Call): Answer | Refusal {
  const found = resolveAddons(call.platform.state, textIn(call.body, "addon") ?? "", appNamed(call));
  return found.length > 0 ? ok(found.map((one) => addonView(call.platform, one, call.expansions))) : notFound("add_on");
}

function attachments(call: Call): Answer | Refusal {
  const found = resolveAttachments(call.platform.state, textIn(call.body, "addon_attachment") ?? "", appNamed(call));
  const views = found.map((one) => attachmentView(call.platform, one, call.expansions));
  return views.length > 0 ? ok(views) : notFound("add_on attachment");
}
