import type { CustomerView } from "./view.ts";

/** What an action may say on the page it leads to. The address names the notice; the words are always ours. */
const notices = {
  rotated: ({ texts }: CustomerView) => `New credentials are active. ${texts.rotationWarning}`,
  rotating: () => "New credentials are active. The rest of the rotation is still under way.",
  replaced: ({ texts }: CustomerView) =>
    `The credential no longer works; another is in its place. ${texts.rotationWarning}`,
  revoked: () => "The credential no longer works.",
} as const;

export type Notice = keyof typeof notices;

/** The notice an address asks for; nothing for any other word. */
export function noticeOf(asked: unknown, view: CustomerView): string | undefined {
  return isNotice(asked) ? notices[asked](view) : undefined;
}

function isNotice(asked: unknown): asked is Notice {
  return typeof asked === "string" && Object.hasOwn(notices, asked);
}
