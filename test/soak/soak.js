// The long soaks: `npm run soak -- heroku --minutes 20 --least 200 --seed 7 --out docs/proofs/heroku-soak.json` goes on after
// its 20 minutes until 200 scenarios were played; `metering` likewise. `--seed 7.12` plays scenario 12 of seed 7 again, alone;
// `--brief` as the one in the default suite is.
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { register } from "node:module";
import { parseArgs } from "node:util";

register("./loader.js", import.meta.url);

const soaks = {
  heroku: () => import("./heroku-soak.ts"),
  metering: () => import("./metering/metering-soak.ts"),
};
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: "string", default: "20" },
    least: { type: "string", default: "0" },
    seed: { type: "string" },
    out: { type: "string" },
    brief: { type: "boolean", default: false },
  },
});
const [name] = positionals;
if (positionals.length !== 1 || !Object.hasOwn(soaks, name)) {
  process.stderr.write(
    "usage: npm run soak -- heroku|metering [--minutes 20] [--seed N | N.M] [--out FILE] [--brief (heroku)]\n",
  );
  process.exit(64);
}
const [seed = NaN, only] = (values.seed ?? String(Date.now() % 1_000_000)).split(".").map(Number);
const say = (line) => process.stdout.write(`${line}\n`);

const { soak } = await soaks[name]();
const minutes = Number(values.minutes);
const { report, isGood } = await soak({
  seed,
  only,
  minutes,
  least: Number(values.least),
  isBrief: values.brief,
  source: source(),
  say,
});
if (only === undefined) say(table(report));
if (values.out !== undefined) await writeFile(values.out, `${JSON.stringify(report, undefined, 2)}\n`);
process.exitCode = isGood ? 0 : 1;

function table({ crashes, missed, failed: _failed, ...figures }) {
  const rows = Object.entries(crashes).map(
    ([point, { before, after }]) => `${point.padEnd(30)}${String(before).padStart(8)}${String(after).padStart(8)}`,
  );
  return [
    "",
    `${"a process died at".padEnd(30)}${"before".padStart(8)}${"after".padStart(8)}`,
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
