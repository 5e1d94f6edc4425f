import { randomUUID } from "node:crypto";
import { invalid, type Refusal, refuse } from "./answers.ts";
import { attachmentsOfApp } from "./apps.ts";
import { prefixOf } from "./manifest.ts";
import { inventAttachmentName, isAttachmentName } from "./names.ts";
import type { Addon, App, Attachment, Platform, State } from "./platform.ts";

export interface NamedPlace {
  readonly app: App;
  /** Upper-cased before use; invented when absent. */
  readonly name: string | undefined;
  /** The app's name, typed by a customer who accepts that an attachment of this name is replaced. */
  readonly confirm: string | undefined;
}

/** The name for a new attachment; 423 when it would replace one and nobody has confirmed that. */
export function nameForAttachment(state: State, place: NamedPlace): string | Refusal {
  if (place.name === undefined) return inventAttachmentName(state, place.app.id, prefixOf(state.manifest));
  const name = place.name.toUpperCase();
  if (!isAttachmentName(name)) return invalid("Name must start with a letter and hold only letters, digits and _.");
  const taken = attachmentsOfApp(state, place.app).some((attachment) => attachment.name === name);
  if (!taken || place.confirm === place.app.name) return name;
  const message = `${name} is already attached to ${place.app.name}; it would be replaced.`;
  return refuse(423, "confirmation_required", message);
}

/** Makes the attachment; one of the same name on the app is taken away first. */
export function putAttachment(
  platform: Platform,
  addon: Addon,
  app: App,
  name: string,
  namespace: string | null,
): Attachment {
  const { state, clock } = platform;
  for (const old of attachmentsOfApp(state, app)) if (old.name === name) state.attachments.delete(old.id);
  const attachment = { id: randomUUID(), name, addon, app, namespace, createdAt: clock.now() };
  state.attachments.set(attachment.id, attachment);
  return attachment;
}

/** Attaches, and gives the app its variables by a release. */
export function attach(
  platform: Platform,
  addon: Addon,
  place: NamedPlace,
  namespace: string | null,
): Attachment | Refusal {
  const name = nameForAttachment(platform.state, place);
  if (typeof name !== "string") return name;
  const attachment = putAttachment(platform, addon, place.app, name, namespace);
  place.app.release += 1;
  return attachment;
}
