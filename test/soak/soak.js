// The long soak: `npm run soak -- --minutes 20 --least 200 --seed 7 --out docs/proofs/heroku-soak.json` goes on after its
// 20 minutes until 200 scenarios were played. `--seed 7.12` plays scenario 12 of seed 7 again, alone; `--brief` as the one
// in the default suite is.
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { register } from "node:module";
import { parseArgs } from "node:util";

register("./loader.js", import.meta.url);
const { runSoak } = await import("./run.ts");
const { ownServer } = await import("./soak-database.ts");
const { openWorld } = await import("./world.ts");

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "20" },
    least: { type: "string", default: "0" },
    seed: { type: "string" },
    out: { type: "string" },
    brief: { type: "boolean", default: false },
  },
});
const [seed = NaN, only] = (values.seed ?? String(Date.now() % 1_000_000)).split(".").map(Number);

const say = (line) => process.stdout.write(`${line}\n`);
let played = 0;
const world = await openWorld(await ownServer());
const report = await runSoak(world, {
  seed,
  source: source(),
  isBrief: values.brief,
  ...(only === undefined ? { minutes: Number(values.minutes), least: Number(values.least) } : { only }),
  onPlayed: tell,
}).finally(() => world.close());
if (only === undefined) say(table(report));
if (values.out !== undefined) await writeFile(values.out, `${JSON.stringify(report, undefined, 2)}\n`);
const isWhole = only !== undefined || report.missed.length === 0;
process.exitCode = report.violations === 0 && report.not_counted === 0 && isWhole ? 0 : 1;

function tell({ script, crashes, violations, lateStarts, history }) {
  played += 1;
  const words = ({ point, side }) => `${side} ${point}`;
  const met = crashes.map(words);
  const missed = met.includes(words(script.target)) ? [] : [`not ${words(script.target)}`];
  const verdict = violations.length > 0 ? "BROKEN" : lateStarts.length > 0 ? "NOT COUNTED" : "good";
  say(`${played}. ${script.id} ${verdict} (${[...met, ...missed].join("; ")})`);
  if (verdict === "good" && only === undefined) return;
  for (const { rule, said } of violations) say(`   ${rule}: ${said}`);
  for (const said of lateStarts) say(`   harness: ${said}`);
  for (const line of history) say(`   | ${line}`);
  if (violations.length > 0) say(`   again: npm run soak -- --seed ${script.id}`);
}

function table({ crashes, missed, failed: _failed, ...figures }) {
  const rows = Object.entries(crashes).map(
    ([point, { before, after }]) => `${point.padEnd(26)}${String(before).padStart(8)}${String(after).padStart(8)}`,
  );
  return [
    "",
    `${"the provider died at".padEnd(26)}${"before".padStart(8)}${"after".padStart(8)}`,
    ...rows,
    ...(missed.length > 0 ? [`never met: ${missed.join("; ")}`] : []),
    JSON.stringify(figures, undefined, 2),
  ].join("\n");
}

/** What was judged; undefined when that is not what git has. */
function source() {
  const git = (...words) => {
    return execFileSync("git", words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  };
  try {
    return git("status", "--porcelain", "src", "migrations") === "" ? git("rev-parse", "HEAD:src") : undefined;
  } catch {
    return undefined;
  }
}
