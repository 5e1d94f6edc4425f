import { referenceIn, textIn } from "../../json.ts";
import { withApp, withLiveAddon } from "../lookups.ts";
import { findAddon, findAttachment, isLive } from "../model/addons.ts";
import { type Answer, invalid, isRefusal, notFound, ok, type Refusal } from "../model/answers.ts";
import { attachmentsOfAddon, attachmentsOfApp, findOrCreateApp } from "../model/apps.ts";
import { attach } from "../model/attachments.ts";
import { requires } from "../model/manifest.ts";
import type { Addon, App, Attachment } from "../model/platform.ts";
import { attachmentView } from "../model/views.ts";
import { page } from "../paging.ts";
import { announceAttachment } from "../partner/events.ts";
import type { Call, Route } from "../route.ts";

const OF_APP = "/apps/:app/addon-attachments";

export const attachmentRoutes: readonly Route[] = [
  { method: "get", path: "/addon-attachments", who: "customer", answer: listAll },
  { method: "post", path: "/addon-attachments", who: "customer", answer: create },
  { method: "get", path: "/addon-attachments/:attachment", who: "customer", answer: showAny },
  { method: "delete", path: "/addon-attachments/:attachment", who: "customer", answer: detach },
  { method: "get", path: "/addons/:addon/addon-attachments", who: "both", answer: withLiveAddon(listOfAddon) },
  { method: "get", path: OF_APP, who: "both", answer: withApp(listOfApp) },
  { method: "get", path: `${OF_APP}/:attachment`, who: "both", answer: withApp(showOfApp) },
];

function views(call: Call, attachments: Iterable<Attachment>) {
  return page(
    call,
    [...attachments].map((one) => attachmentView(call.platform, one, call.expansions)),
  );
}

function listAll(call: Call): Answer {
  return views(call, call.platform.state.attachments.values());
}

function listOfAddon(call: Call, addon: Addon): Answer {
  return views(call, attachmentsOfAddon(call.platform.state, addon));
}

function listOfApp(call: Call, app: App): Answer {
  const { caller } = call;
  const attachments = attachmentsOfApp(call.platform.state, app);
  return views(
    call,
    attachments.filter(({ addon }) => caller.kind === "customer" || caller.addon === addon),
  );
}

function showOfApp(call: Call, app: App): Answer | Refusal {
  const { caller } = call;
  const attachment = findAttachment(call.platform.state, call.params["attachment"] ?? "", app);
  if (isRefusal(attachment)) return attachment;
  if (caller.kind === "provider" && caller.addon !== attachment.addon) return notFound("add_on attachment");
  return ok(attachmentView(call.platform, attachment, call.expansions));
}

function showAny(call: Call): Answer | Refusal {
  const attachment = findAttachment(call.platform.state, call.params["attachment"] ?? "");
  return isRefusal(attachment) ? attachment : ok(attachmentView(call.platform, attachment, call.expansions));
}

function create(call: Call): Answer | Refusal {
  const { body, platform } = call;
  const addon = findAddon(platform.state, referenceIn(body, "addon") ?? "");
  const app = findOrCreateApp(platform, referenceIn(body, "app") ?? "");
  if (addon === undefined || !isLive(addon)) return notFound("add_on");
  if (app === undefined) return notFound("app");
  if (app !== addon.app && !requires(platform.state.manifest, "attachable")) {
    return invalid(`${platform.state.manifest.name} cannot be attached to other apps.`);
  }
  const place = { app, name: textIn(body, "name"), confirm: textIn(body, "confirm") };
  const attachment = attach(platform, addon, place, textIn(body, "namespace") ?? null);
  if (isRefusal(attachment)) return attachment;
  announceAttachment(platform, attachment, "create");
  return ok(attachmentView(platform, attachment), 201);
}

/** The last attachment on the owning app stays: without it the add-on could only be removed. */
function detach(call: Call): Answer | Refusal {
  const { platform } = call;
  const attachment = findAttachment(platform.state, call.params["attachment"] ?? "");
  if (isRefusal(attachment)) return attachment;
  const { addon, app } = attachment;
  const onOwner = attachmentsOfAddon(platform.state, addon).filter((one) => one.app === addon.app);
  if (app === addon.app && onOwner.length === 1)
    return invalid(`${attachment.name} is the last attachment; remove the add-on instead.`);
  const view = attachmentView(platform, attachment);
  platform.state.attachments.delete(attachment.id);
  app.release += 1;
  announceAttachment(platform, attachment, "destroy");
  return ok(view);
}
