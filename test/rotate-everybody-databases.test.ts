import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeProof } from "../src/cli/rotation-csv.ts";
import { MINUTE } from "./support/clock.ts";
import { buy, one, URL_VAR, urlOf } from "./support/database-shop.ts";
import { about, closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { proofOf, start, statusOf, workOn } from "./support/rotation.ts";
import { scriptedProduct } from "./support/scripted-product.ts";
import { type TenantsServer, tenantsServer } from "./support/tenants-server.ts";

let server: TenantsServer;
let folder: string;

beforeAll(async () => {
  server = await tenantsServer();
  folder = await mkdtemp(join(tmpdir(), "rotate-"));
});

afterAll(async () => {
  await closeProviders();
  await server.drop();
  await rm(folder, { recursive: true });
});

/** A shop whose product does `meddle` to each new login, right before the operation ends. */
async function shopThat(meddle: (login: string) => Promise<unknown>): Promise<TestProvider> {
  const product = scriptedProduct();
  const shop: TestProvider = await testProvider({
    tenants: server,
    product: {
      ...product,
      rotate: async (call, signal) => {
        await meddle(new URL((await shop.configVars(call.tenant.id))[URL_VAR] ?? "").username);
        return product.rotate(call, signal);
      },
    },
  });
  return shop;
}

/** The lines by the names of their columns; no password is in any. */
async function csvOf(shop: TestProvider, rotation: string, passwords: readonly string[]) {
  const file = join(folder, `${rotation}.csv`);
  await writeProof(shop.deps.store, rotation, file);
  const text = await readFile(file, "utf8");
  for (const password of passwords) expect(text).not.toContain(password);
  const [head = [], ...lines] = text
    .trimEnd()
    .split("\n")
    .map((line) => line.split(","));
  return lines.map((line) => Object.fromEntries(line.map((cell, place) => [head[place], cell])));
}

function checkedOf(lines: readonly Record<string, string | undefined>[], tenant: string | undefined) {
  return lines
    .filter((line) => line["tenant"] === tenant)
    .map(({ state, kind, new_checked, new_judged_valid_at }) => [
      state,
      kind,
      new_checked,
      new_judged_valid_at === "" ? "not judged" : "judged",
    ]);
}

const passwordOf = (url: string) => new URL(url).password;

/** A server notices a moment later that a connection was closed. */
async function sessionsOf(login: string): Promise<number> {
  for (let look = 0; ; look += 1) {
    const sessions = await server.look("select pid from pg_stat_activity where usename = $1", [login]);
    if (sessions.length === 0 || look === 200) return sessions.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe("rotating everybody who has a login to a database", () => {
  test("opens each new login with the new config var, closes it again, and says so in the proof", async () => {
    const shop = await testProvider({ tenants: server });
    const bought = [await buy(shop, "basic"), await buy(shop, "standard"), await buy(shop, "premium")];
    await shop.suspend({ ...about(bought[0]?.tenant ?? { id: "" }), reason: "unpaid" });
    shop.clock.advance(MINUTE);
    const id = await start(shop, { canary: 0 });
    await workOn(shop, 6);
    expect(await statusOf(shop, id)).toMatchObject({ tenants: { taken: 3 }, failed: [] });
    const passwords: string[] = [];
    for (const { tenant, url } of bought) {
      const fresh = await urlOf(shop, tenant);
      expect(fresh).not.toBe(url);
      expect(await sessionsOf(new URL(fresh).username)).toBe(0);
      passwords.push(passwordOf(fresh), passwordOf(url));
    }
    const lines = await csvOf(shop, id, passwords);
    expect(checkedOf(lines, bought[0]?.tenant.id)).toEqual([
      ["taken", "api-key", "key known; the tenant is suspended", "judged"],
      ["taken", "postgres", "login not opened; the tenant is suspended", "not judged"],
    ]);
    for (const { tenant } of bought.slice(1)) {
      expect(checkedOf(lines, tenant.id)).toEqual([
        ["taken", "api-key", "key accepted", "judged"],
        ["taken", "postgres", "login opened", "judged"],
      ]);
    }
  });

  test("names a tenant as failed whose new login is refused, with the reason and without the secret", async () => {
    const shop = await shopThat((login) => server.look(`alter role ${login} password 'another'`));
    const { tenant } = await buy(shop, "standard");
    shop.clock.advance(MINUTE);
    const id = await start(shop, { canary: 100 });
    await workOn(shop, 6);
    const note = `${URL_VAR} does not open: the server refuses it (28P01)`;
    expect(await statusOf(shop, id)).toMatchObject({
      state: "paused",
      fault: "1 of the canaries failed",
      failed: [{ tenant: tenant.id, note }],
    });
    const lines = await csvOf(shop, id, [passwordOf(await urlOf(shop, tenant))]);
    expect(checkedOf(lines, tenant.id)).toEqual([
      ["failed", "api-key", "key accepted", "not judged"],
      ["failed", "postgres", "", "not judged"],
    ]);
    expect(lines[0]).toMatchObject({ note });
  });

  test("waits for a login that cannot be opened yet, and takes it once it can", async () => {
    const shop = await shopThat((login) => server.look(`alter role ${login} nologin`));
    const { tenant } = await buy(shop, "basic");
    shop.clock.advance(MINUTE);
    const id = await start(shop, { canary: 0 });
    await workOn(shop, 6);
    expect((await statusOf(shop, id)).tenants).toEqual({ rotated: 1 });
    expect(await proofOf(shop, id)).toMatchObject([
      { judged_at: null, note: `not proven: ${URL_VAR} is not opened by the server (28000)` },
    ]);
    const fresh = await urlOf(shop, tenant);
    await server.look(`alter role ${new URL(fresh).username} login`);
    await workOn(shop, 6);
    expect(await one(fresh, "select 1")).toBe(1);
    expect(await proofOf(shop, id)).toMatchObject([{ state: "taken", judged_at: expect.any(String), note: null }]);
  });

  test("gives up proving after ten minutes where customers' address is not to be reached", async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => void closed.listen(0, "127.0.0.1", resolve));
    const { port } = closed.address() as { port: number };
    await new Promise((resolve) => closed.close(resolve));
    const shop = await testProvider({ tenants: { ...server, address: `127.0.0.1:${port}` } });
    const { tenant } = await buy(shop, "standard");
    shop.clock.advance(MINUTE);
    const id = await start(shop, { canary: 0 });
    await workOn(shop, 4);
    const reason = `${URL_VAR} is not reached (ECONNREFUSED)`;
    expect(await proofOf(shop, id)).toMatchObject([{ state: "rotated", note: `not proven: ${reason}` }]);
    shop.clock.advance(11 * MINUTE);
    await workOn(shop, 2);
    expect((await statusOf(shop, id)).failed).toEqual([{ tenant: tenant.id, note: `not proven: ${reason}` }]);
    expect((await statusOf(shop, id)).state).toBe("done");
  });
});
