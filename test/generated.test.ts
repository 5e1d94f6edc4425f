import { readFile } from "node:fs/promises";
import { generated } from "../scripts/generated.js";

describe("generated files", () => {
  test.each(generated.map(({ path, make }) => [path, make] as const))(
    "%s is what the code makes",
    async (path, make) => {
      const text = await readFile(path, "utf8");
      expect(make(text)).toBe(text);
    },
  );
});
