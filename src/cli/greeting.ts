import { styleText } from "node:util";
import type { Manifest } from "../catalog/catalog.ts";
import type { Settings } from "../config.ts";
import type { Simulator } from "../simulator/simulator.ts";

/** Colour only on a terminal that has it; `hasColors` also heeds NO_COLOR. */
function strong(text: string): string {
  return process.stdout.isTTY && process.stdout.hasColors() ? styleText("bold", text) : text;
}

/** The first lines on the screen: where everything is, and a command to try. */
export function greeting(
  settings: Settings,
  { catalog }: Manifest,
  simulator: Simulator | undefined,
  database: string,
): string {
  if (settings.production) return `Stallholder serves on ${settings.host}:${settings.port} as ${settings.publicUrl}\n`;
  const rows: [string, string][] = [
    ["Provider", `${settings.publicUrl}   (dashboard by sign-in, API at ${settings.publicUrl}/docs)`],
    [
      "Console",
      `${settings.publicUrl}/console   (the operator's; OPERATOR_TOKEN is in ${settings.dataDir}/secrets.json)`,
    ],
    ["Database", database],
  ];
  if (simulator !== undefined)
    rows.push(["Simulator", `${simulator.origin}   (buy, open, change and remove in the browser)`]);
  const lines = rows.map(([name, text]) => `  ${strong(name.padEnd(10))} ${text}`);
  const plan = catalog.plans[0]?.id ?? "test";
  const tryIt =
    simulator === undefined
      ? []
      : [
          "",
          "  Buy with the real Heroku CLI (npm i -g heroku):",
          "",
          `  HEROKU_HOST=${simulator.origin} HEROKU_API_KEY=sim heroku addons:create ${catalog.id}:${plan} -a demo --wait`,
        ];
  return [`Stallholder · development mode · product "${catalog.name}"`, "", ...lines, ...tryIt, ""]
    .join("\n")
    .concat("\n");
}
