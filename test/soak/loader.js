// Lets Node load this project's TypeScript as it lies, for the soak outside Jest.
import { readFile } from "node:fs/promises";
import { transform } from "@swc/core";

const options = {
  sourceMaps: "inline",
  jsc: {
    target: "es2022",
    parser: { syntax: "typescript", tsx: true },
    transform: { react: { runtime: "automatic", importSource: "preact" } },
  },
  module: { type: "es6" },
};

export async function load(url, context, next) {
  if (!/\.tsx?$/.test(url)) return next(url, context);
  const { code } = await transform(await readFile(new URL(url), "utf8"), { ...options, filename: url });
  return { format: "module", source: code, shortCircuit: true };
}
