import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSettings } from "../src/config.ts";
import { type Fault, ProviderError } from "../src/errors.ts";
import { CERTIFICATE } from "./support/saml-certificate.ts";

type Env = Record<string, string>;

const folder = mkdtempSync(join(tmpdir(), "stallholder-sign-in-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (env: Env) => readSettings({ DATA_DIR: folder, ...env });

function faultsOf(env: Env): readonly Fault[] {
  try {
    read(env);
  } catch (error) {
    if (error instanceof ProviderError) return error.faults;
  }
  return [];
}

const OIDC: Env = {
  CONSOLE_OIDC_ISSUER: "https://accounts.example.com",
  CONSOLE_OIDC_CLIENT_ID: "the-console",
  CONSOLE_OIDC_CLIENT_SECRET: "a-secret-that-is-long-enough",
};
const BODY = CERTIFICATE.replace(/-----[A-Z ]+-----|\s/g, "");
const SAML: Env = {
  CONSOLE_SAML_ENTRY_POINT: "https://identity.example.com/saml?app=7",
  CONSOLE_SAML_ISSUER: "stallholder",
  CONSOLE_SAML_CERT: CERTIFICATE,
};

describe("the settings of the console's sign-in", () => {
  test("none of them is needed", () => {
    expect(read({}).console).toEqual({ oidc: undefined, saml: undefined });
  });

  test("a whole set is read", () => {
    const [issuer, clientId, clientSecret] = Object.values(OIDC);
    expect(read(OIDC).console.oidc).toEqual({ issuer, clientId, clientSecret });
    const { CONSOLE_SAML_ENTRY_POINT: entryPoint } = SAML;
    expect(read(SAML).console.saml).toEqual({ entryPoint, issuer: "stallholder", certificates: [BODY] });
  });

  test.each([...Object.keys(OIDC), ...Object.keys(SAML)])("a set without %s says that it is missing", (name) => {
    const { [name]: _missing, ...rest } = { ...OIDC, ...SAML };
    const [fault, ...more] = faultsOf(rest);
    expect(more).toEqual([]);
    expect(fault?.at).toBe(name);
    expect(fault?.message).toMatch(/^is missing: /);
  });

  test.each([
    ["PEM with its line ends written out", CERTIFICATE.replaceAll("\n", "\\n"), 1],
    ["base64 alone", BODY, 1],
    ["two in PEM", `${CERTIFICATE}\n${CERTIFICATE}\n`, 2],
    ["two in base64", `${BODY},${BODY}`, 2],
  ])("a certificate may come as %s", (_, text, count) => {
    const { saml } = read({ ...SAML, CONSOLE_SAML_CERT: text }).console;
    expect(saml?.certificates).toEqual(Array.from({ length: count }, () => BODY));
  });

  test.each([
    ["CONSOLE_SAML_CERT", "not a certificate"],
    ["CONSOLE_SAML_CERT", BODY.slice(0, -40)],
    ["CONSOLE_SAML_ENTRY_POINT", "http://identity.example.com/saml"],
    ["CONSOLE_OIDC_ISSUER", "http://accounts.example.com"],
    ["CONSOLE_OIDC_ISSUER", "https://accounts.example.com/?tenant=1"],
    ["CONSOLE_OIDC_ISSUER", "https://login.microsoftonline.com/common/v2.0"],
  ])("%s=%s is refused", (name, value) => {
    expect(faultsOf({ ...OIDC, ...SAML, [name]: value }).map(({ at }) => at)).toEqual([name]);
  });

  test("a provider on this machine may speak without TLS, but not in production", () => {
    const local = { ...OIDC, CONSOLE_OIDC_ISSUER: "http://127.0.0.1:4000" };
    expect(read(local).console.oidc?.issuer).toBe("http://127.0.0.1:4000");
    const faults = faultsOf({ ...local, NODE_ENV: "production" });
    expect(faults).toContainEqual({ at: "CONSOLE_OIDC_ISSUER", message: expect.stringMatching(/^must be https/) });
  });

  test("no fault repeats a secret", () => {
    const faults = faultsOf({ CONSOLE_OIDC_CLIENT_SECRET: "short", NODE_ENV: "production" });
    expect(faults.map(({ at }) => at)).toContain("CONSOLE_OIDC_CLIENT_SECRET");
    expect(JSON.stringify(faults)).not.toContain('short"');
  });
});
