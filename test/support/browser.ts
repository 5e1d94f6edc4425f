import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";

/** Nothing but the pages under test: no sandbox (the tests may run as root) and no calls home. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** `describe` where Chromium is installed; elsewhere its tests are skipped and a line says why. */
export function describeWithChromium(name: string, tests: () => void): void {
  if (existsSync(CHROMIUM)) {
    describe(name, tests);
    return;
  }
  process.stderr.write(`Skipped: "${name}" needs Chromium at ${CHROMIUM} (on Debian: apt-get install chromium).\n`);
  describe.skip(name, tests);
}

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}
