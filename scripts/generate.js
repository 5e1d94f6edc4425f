// Writes what is made from the code: docs/openapi.json and the tables between the markers of README.md.
// `npm run generate` after a change; test/generated.test.ts fails while a file is behind.
import { readFile, writeFile } from "node:fs/promises";
import { generated } from "./generated.js";

for (const { path, make } of generated) {
  const before = await readFile(path, "utf8").catch(() => "");
  const after = make(before);
  if (after !== before) await writeFile(path, after);
  console.log(`${after === before ? "unchanged" : "written  "} ${path}`);
}
