// `node --import ./scripts/typescript-hook.js file.ts` runs TypeScript as it lies in the tree: types are taken away
// while a file is loaded, nothing is checked and nothing is written.
import { readFile } from "node:fs/promises";
import { register } from "node:module";
import { isMainThread } from "node:worker_threads";
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

/** Node loads this file a second time, in the thread that answers imports. */
if (isMainThread) register(import.meta.url);

export async function load(url, context, nextLoad) {
  if (!/^file:.*\.tsx?$/.test(url)) return nextLoad(url, context);
  const text = await readFile(new URL(url), "utf8");
  const { code } = await transform(text, { ...options, filename: url });
  return { format: "module", source: code, shortCircuit: true };
}
