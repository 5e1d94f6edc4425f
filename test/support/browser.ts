import { existsSync } from "node:fs";
import axe from "axe-core";
import { type Browser, chromium, type Page } from "playwright-core";

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

export interface Look {
  /** Where the page was looked at whole in the other scheme, contrast is all that can differ. */
  readonly scheme?: "light" | "dark";
  readonly within?: string;
}

/** What axe has to object to on a page. */
export async function axeFaults(page: Page, { scheme = "light", within = "html" }: Look = {}): Promise<string[]> {
  // It is half a megabyte: once for each page that is loaded.
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.evaluate(axe.source);
  const options: axe.RunOptions = { resultTypes: ["violations"] };
  if (scheme === "dark") options.runOnly = ["color-contrast"];
  const run = `axe.run(${JSON.stringify(within)}, ${JSON.stringify(options)})`;
  const { violations } = await page.evaluate<axe.AxeResults>(run);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target} ${failureSummary}`),
  );
}

/** Structure and contrast in light, and the contrast again in dark. The page should have asked for no motion. */
export async function axeFaultsInBoth(page: Page, within = "html"): Promise<string[]> {
  const light = await axeFaults(page, { within });
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await axeFaults(page, { within, scheme: "dark" });
  await page.emulateMedia({ colorScheme: "light" });
  return [...light, ...dark];
}
