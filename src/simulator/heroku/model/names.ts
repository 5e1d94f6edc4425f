import { randomInt } from "node:crypto";
import type { State } from "./platform.ts";

const WORDS = ["amber", "brisk", "calm", "deep", "even", "fresh", "grand", "hazy", "ideal", "keen", "lucid", "mellow"];
const COLOURS = [
  "AMBER",
  "AQUA",
  "BLACK",
  "BLUE",
  "BROWN",
  "COBALT",
  "CRIMSON",
  "CYAN",
  "GOLD",
  "GREEN",
  "IVORY",
  "JADE",
];

/** `fast-db-brisk-12345`: what an add-on is called when the customer gives no name. */
export function inventAddonName(slug: string): string {
  return `${slug}-${WORDS[randomInt(WORDS.length)]}-${String(randomInt(100_000)).padStart(5, "0")}`;
}

/** The prefix itself for the first attachment of an app, then prefix and colour, then prefix and number. */
export function inventAttachmentName(state: State, appId: string, prefix: string): string {
  const taken = new Set([...state.attachments.values()].filter((a) => a.app.id === appId).map((a) => a.name));
  const colours = COLOURS.map((colour) => `${prefix}_${colour}`);
  const free = [prefix, ...colours].find((name) => !taken.has(name));
  return free ?? `${prefix}_${randomInt(100_000, 1_000_000)}`;
}

export function isAppName(name: string): boolean {
  return /^[a-z][a-z0-9-]{1,28}[a-z0-9]$/.test(name);
}

export function isAddonName(name: string): boolean {
  return /^[a-z][a-z0-9-]{0,254}$/.test(name);
}

export function isAttachmentName(name: string): boolean {
  return /^[A-Z][A-Z0-9_]{0,254}$/.test(name);
}
