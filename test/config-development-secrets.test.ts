import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { developmentSecrets, storeOnce } from "../src/config/development-secrets.ts";
import { readSettings } from "../src/config.ts";
import { atOf, errorOf, faultsOf, newFolder, removeFolders } from "./support/settings.ts";

afterAll(removeFolders);

describe("developmentSecrets", () => {
  test("secrets are made once, readable by the owner alone, and stay the same", () => {
    const folder = join(newFolder(), "deep", "er");
    const first = developmentSecrets(folder);
    expect(developmentSecrets(folder)).toEqual(first);
    expect(readdirSync(folder)).toEqual(["secrets.json"]);
    expect(statSync(join(folder, "secrets.json")).mode & 0o777).toBe(0o600);
    expect(new Set(Object.values(first)).size).toBe(4);
    expect(developmentSecrets(newFolder()).OPERATOR_TOKEN).not.toBe(first.OPERATOR_TOKEN);
  });

  test("of two processes that both found nothing, the later one takes what the first one stored", () => {
    const folder = newFolder();
    const path = join(folder, "secrets.json");
    expect([storeOnce(path, "first"), storeOnce(path, "second")]).toEqual(["first", "first"]);
    expect(readdirSync(folder)).toEqual(["secrets.json"]);
  });

  test("settings hold the made secrets, and a variable that is set wins over them", () => {
    const folder = newFolder();
    const made = developmentSecrets(folder);
    const settings = readSettings({ DATA_DIR: folder, OPERATOR_TOKEN: "mine" });
    expect(settings).toMatchObject({ operatorToken: "mine", secretKeys: made.SECRET_KEYS });
    expect(settings).toMatchObject({
      product: { secret: made.PRODUCT_SECRET },
      heroku: { clientSecret: made.HEROKU_CLIENT_SECRET },
    });
  });

  test.each([["not json"], ["{}"], ['{"SECRET_KEYS": "x", "HEROKU_CLIENT_SECRET": "y"}']])(
    "a damaged file %j is a fault of DATA_DIR and is left alone",
    (text) => {
      const folder = newFolder();
      writeFileSync(join(folder, "secrets.json"), text);
      const error = errorOf(() => developmentSecrets(folder));
      expect([error.code, ...atOf(error.faults)]).toEqual(["config_invalid", "DATA_DIR"]);
      expect(readFileSync(join(folder, "secrets.json"), "utf8")).toBe(text);
    },
  );

  test("a DATA_DIR that cannot be a folder is a fault of DATA_DIR", () => {
    const file = join(newFolder(), "file");
    writeFileSync(file, "");
    chmodSync(file, 0o600);
    expect(atOf(faultsOf({ DATA_DIR: file }))).toEqual(["DATA_DIR"]);
  });
});
