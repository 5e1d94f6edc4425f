import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rotate } from "../src/cli/rotate.ts";
import { runCommand } from "./support/command.ts";
import { closeProviders, type TestProvider } from "./support/provider.ts";
import { keysOf, look, shopOf, statusOf } from "./support/rotation.ts";

afterAll(closeProviders);

describe("stallholder keys rotate", () => {
  let shop: TestProvider;
  let ids: string[];
  let folder: string;
  const options = { overlap: 3_600, canary: 0, batch: 10, wait: true };

  beforeAll(async () => {
    ({ shop, ids } = await shopOf(3));
    folder = await mkdtemp(join(tmpdir(), "rotate-"));
    process.env["DATABASE_URL"] = shop.database.appUrl;
    process.env["DATA_DIR"] = folder;
  });

  afterAll(async () => {
    for (const name of ["DATABASE_URL", "DATA_DIR"]) delete process.env[name];
    await rm(folder, { recursive: true });
  });

  test("begins, watches to the end, and writes the proof", async () => {
    let watching = true;
    const worker = (async () => {
      while (watching) {
        await look(shop);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
    const csv = join(folder, "proof.csv");
    const { out, err, code } = await runCommand(() => rotate({ ...options, all: true, csv }));
    watching = false;
    await worker;
    expect(err).toMatch(/^The rotation rot-[a-z2-7]{8} has begun\.\n/);
    expect(out).toContain("3 of 3 tenants had their turn");
    expect(code).toBe(0);
    const lines = (await readFile(csv, "utf8")).trimEnd().split("\n");
    expect(lines[0]).toMatch(/^tenant,marketplace,canary,state,kind,var,old_key_id,old_last_four,new_key_id,/);
    expect(lines.slice(1).map((line) => line.split(",")[0])).toEqual([...ids].sort());
    expect(lines[1]).toMatch(/,api-key,ACME_SEARCH_API_KEY,[a-z2-7]{16},\w{4},[a-z2-7]{16},\w{4},20/);
    for (const key of await keysOf(shop, ids)) expect(lines.join()).not.toContain(key.split("_")[3]);
    const crossed = await shop.look<{ door: string }>(
      `select data->>'door' as door from audit_entries
       where chain = 'operator' and action = 'operator.crossed' and data->>'reason' = 'keys rotate' order by 1`,
    );
    expect(crossed.map(({ door }) => door)).toEqual(["rotation_proof", "rotation_status", "start_rotation"]);
  });

  test("Ctrl-C ends the watching and not the rotation", async () => {
    await shop.look("update rotations set state = 'done'");
    const listeners = process.listenerCount("SIGINT");
    const said = runCommand(() => rotate({ ...options, all: true }));
    while (process.listenerCount("SIGINT") === listeners) await new Promise((resolve) => setTimeout(resolve, 20));
    process.emit("SIGINT");
    const { err, out } = await said;
    expect(err).toContain("goes on without you");
    expect(out).toContain("running");
    expect(await statusOf(shop)).toMatchObject({ state: "running" });
  });

  test("tells how far it is, and steers it", async () => {
    const { id } = await statusOf(shop);
    expect((await runCommand(() => rotate({ ...options, pause: id }))).out).toContain(`--resume ${id}`);
    const { out } = await runCommand(() => rotate({ ...options, status: true, json: true }));
    expect(JSON.parse(out)).toMatchObject({ id, state: "paused" });
    expect((await runCommand(() => rotate({ ...options, cancel: id }))).out).toContain("cancelled");
    await expect(rotate({ ...options, status: "rot-22222222" })).rejects.toMatchObject({ code: "request_malformed" });
    await expect(rotate(options)).rejects.toMatchObject({ message: expect.stringContaining("--all") });
    await expect(rotate({ ...options, all: true, kind: "jwt" })).rejects.toMatchObject({ code: "request_malformed" });
  });
});
