import type { Response } from "express";
import type { CustomerView } from "./view.ts";

/** What an action may say on the page it leads to. The address names the notice; the words are always ours. */
const notices = {
  rotated: ({ texts }: CustomerView) => `New credentials are active. ${texts.rotationWarning}`,
  rotating: () => "New credentials are active. The rest of the rotation is still under way.",
  replaced: ({ texts }: CustomerView) =>
    `The credential no longer works; another is in its place. ${texts.rotationWarning}`,
  "aws-offered": () => "Your external id is ready: make the role, and paste its ARN below.",
  "aws-connected": ({ product }: CustomerView) => `The role was tried and is connected: ${product} can use it now.`,
  "aws-disconnected": () => "AWS is disconnected. You can delete the role in your account.",
  "alert-added": ({ product }: CustomerView) =>
    `The alert is set. It comes once in each period, as soon as ${product} has counted so much.`,
  "alert-removed": () => "The alert is removed.",
  revoked: () => "The credential no longer works.",
} as const;

type Notice = keyof typeof notices;

/** The notice an address asks for; nothing for any other word. */
export function noticeOf(asked: unknown, view: CustomerView): string | undefined {
  return isNotice(asked) ? notices[asked](view) : undefined;
}

function isNotice(asked: unknown): asked is Notice {
  return typeof asked === "string" && Object.hasOwn(notices, asked);
}

/** Back to the page, which says what was done. */
export function backWith(response: Response, notice: Notice, page = "/dashboard"): void {
  response.redirect(303, `${page}?done=${notice}`);
}
