import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { promisify } from "node:util";
import { settingsTable } from "../src/config.ts";
import { MODELS, template } from "./support/tenant-role.ts";

const page = readFileSync(new URL("../docs/aws-access.md", import.meta.url), "utf8");
const run = promisify(execFile);
const hasCurl = await run("curl", ["--version"]).then(
  () => true,
  () => false,
);
if (!hasCurl) process.stderr.write("Skipped: the script for credential_process needs curl.\n");

describe("docs/aws-access.md", () => {
  test("what it and the templates call settings are settings", () => {
    const texts = [page, ...MODELS.map((model) => JSON.stringify(template("cloudformation", model)))].join("\n");
    const known = settingsTable().map(({ name }) => name as string);
    const named = [...texts.matchAll(/\bAWS_(?:TENANT|CONNECT)_[A-Z_]+\b/g)].map(([name]) => name);
    expect(named).toEqual(expect.arrayContaining(["AWS_TENANT_ROLE_ARN", "AWS_CONNECT_TEMPLATE_URL"]));
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });

  (hasCurl ? test : test.skip)("its script gives AWS's tools what they take from a credential_process", async () => {
    const script = /```sh\n(#!\/bin\/sh\n.*?)```/s.exec(page)?.[1] ?? "";
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.headers.authorization} ${request.headers["content-type"]}`);
      const given = {
        access_key_id: "ASIA1",
        secret_access_key: "s/e+c",
        session_token: "t==",
        expires_at: "2026-03-01T12:15:00.000Z",
      };
      response.end(JSON.stringify(given));
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    const env = {
      ...process.env,
      ACME_SEARCH_AWS_CREDENTIALS_URL: `http://127.0.0.1:${port}/`,
      ACME_SEARCH_API_KEY: "key",
      no_proxy: "*",
    };
    const { stdout } = await run("sh", ["-c", script], { env });
    server.close();
    expect(asked).toEqual(["POST Bearer key application/json"]);
    expect(JSON.parse(stdout)).toEqual({
      Version: 1,
      AccessKeyId: "ASIA1",
      SecretAccessKey: "s/e+c",
      SessionToken: "t==",
      Expiration: "2026-03-01T12:15:00.000Z",
    });
  });
});
