// Compiles src to dist where the compiler is installed; a production install without it runs the dist it was shipped with.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("..", import.meta.url);
const compiler = fileURLToPath(new URL("node_modules/typescript/bin/tsc", root));

if (existsSync(compiler)) {
  const run = spawnSync(process.execPath, [compiler, "-p", fileURLToPath(new URL("src", root))], { stdio: "inherit" });
  process.exitCode = run.status ?? 1;
} else if (!existsSync(new URL("dist/main.js", root))) {
  process.stderr.write(
    "stallholder: nothing is compiled and TypeScript is not installed; run `npm ci --include=dev` first\n",
  );
}
