import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const CLI_VERSION = "11.10.0";

/**
 * The path of the real Heroku CLI. It is installed once, into the folder that `HEROKU_CLI` names (else one under the
 * temporary folder): with its 394 MB it has no place in package.json.
 */
export async function installCli(): Promise<string> {
  const folder = process.env["HEROKU_CLI"] ?? join(tmpdir(), `stallholder-heroku-cli-${CLI_VERSION}`);
  if ((await installedVersion(folder)) !== CLI_VERSION) await npmInstall(folder);
  return join(folder, "node_modules", "heroku", "bin", "run.js");
}

async function installedVersion(folder: string): Promise<string | undefined> {
  const file = join(folder, "node_modules", "heroku", "package.json");
  if (!existsSync(file)) return undefined;
  return String(Object(JSON.parse(await readFile(file, "utf8"))).version);
}

async function npmInstall(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"];
  const npm = spawn("npm", ["install", "--prefix", folder, ...quiet, `heroku@${CLI_VERSION}`], { stdio: "inherit" });
  const code = await new Promise<number | null>((resolve, reject) => {
    npm.once("error", reject);
    npm.once("close", resolve);
  });
  if (code !== 0) throw new Error(`npm could not install heroku@${CLI_VERSION} into ${folder}`);
}
