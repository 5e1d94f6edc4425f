import { readFile } from "node:fs/promises";
import { parseManifest } from "../src/catalog/catalog.ts";
import { databaseFindings } from "../src/cli/doctor-databases.ts";
import { lineOf } from "../src/cli/finding.ts";
import { readSettings } from "../src/config.ts";
import { prepareShared } from "../src/isolation/databases/databases.ts";
import { type TenantsServer, tenantsServer } from "./support/tenants-server.ts";

const { catalog: example } = parseManifest(
  await readFile(new URL("../examples/databases/addon-manifest.json", import.meta.url), "utf8"),
);
const pooled = { ...example, plans: example.plans.filter(({ isolation }) => isolation === "pool") };
const without = { ...example, credentials: example.credentials.filter(({ kind }) => kind !== "postgres") };

describe("what doctor says of the tenants' server", () => {
  let server: TenantsServer;
  const examine = async (url: string | undefined, catalog = example, more: object = {}) => {
    const settings = { ...readSettings(), environment: server.environment, ...more };
    const found = await databaseFindings({ ...settings, tenantDatabaseUrl: url }, catalog);
    return found.map(({ verdict, says, cure }) => `${verdict}: ${says}${cure === undefined ? "" : ` | ${cure}`}`);
  };

  beforeAll(async () => {
    server = await tenantsServer();
  });
  afterAll(async () => {
    await server.drop();
    await server.dropAdmin();
  });

  test("it is looked at, and nothing is made there", async () => {
    const before = await server.look("select nspname from pg_namespace order by 1");
    expect(await examine(server.url)).toEqual([
      expect.stringMatching(/^ok: PostgreSQL 1\d\.\d+$/),
      expect.stringMatching(/^ok: \w+ may make what the plans need$/),
      "ok: not made ready yet: the first purchase does so",
    ]);
    expect(await server.look("select nspname from pg_namespace order by 1")).toEqual(before);
  });

  test("nothing is said where no purchase comes with a database", async () => {
    expect(await examine("postgres://nobody@127.0.0.1:1/none", without)).toEqual([]);
  });

  test("without a setting it is the embedded one, and a fault in production", async () => {
    expect(await examine(undefined)).toEqual(["ok: their databases are in the embedded server"]);
    expect(await examine(undefined, example, { production: true })).toEqual([
      expect.stringMatching(/^fault: TENANT_DATABASE_URL: is missing/),
    ]);
  });

  test("a server that is away, a wrong password and a missing database are told apart, without the password", async () => {
    const wrong = Object.assign(new URL(server.url), { password: "not-the-password" }).href;
    const absent = Object.assign(new URL(server.superuserUrl), { pathname: "/nowhere" }).href;
    const [away] = await examine("postgres://admin:not-the-password@127.0.0.1:1/tenants");
    const told = [away, ...(await examine(absent))];
    expect(told).toEqual([
      expect.stringContaining("fault: 127.0.0.1:1: it does not answer | Mend TENANT_DATABASE_URL"),
      expect.stringContaining("the database of TENANT_DATABASE_URL does not exist"),
    ]);
    expect(JSON.stringify([...told, ...(await examine(wrong))])).not.toContain("not-the-password");
  });

  test("an administrator who may too little is a fault, with what grants it; a pool needs no databases", async () => {
    const url = await server.plainAdmin();
    const admin = new URL(url).username;
    await server.look(`alter role ${admin} nocreatedb nocreaterole`);
    expect(await examine(url)).toContain(
      `fault: ${admin} may not make what the plans need | As a superuser: alter role ${admin} createrole; alter role ${admin} createdb.`,
    );
    await server.look(`alter role ${admin} createrole`);
    expect(await examine(url, pooled)).toContain(`ok: ${admin} may make what the plans need`);
  });

  test("what is left open on a server that is ready is a warning, with what closes it", async () => {
    await prepareShared(server.superuserUrl, server.environment);
    const quiet = await examine(server.superuserUrl);
    expect(quiet.filter((line) => line.includes(server.shared))).toEqual([]);
    await server.look(`grant temp on database ${server.shared} to public`);
    expect(await examine(server.superuserUrl)).toContain(
      `warning: Every tenant may make temporary tables in ${server.shared} | Its owner should revoke that from public.`,
    );
  });

  test("its lines fit among the others", () => {
    expect(lineOf({ check: "tenants", verdict: "ok", says: "PostgreSQL 15.18" })).toMatch(/^✔ tenants {7}PostgreSQL/);
  });
});
