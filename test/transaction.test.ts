import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { connect, type Database } from "../src/db/db.ts";
import { isolate } from "../src/isolation/isolation.ts";
import { mintTenantId } from "../src/tenants/tenants.ts";
import { ownDatabase, type TestDatabase } from "./support/cluster.ts";
import { closeProxies, pgProxy } from "./support/pg-proxy.ts";
import { about, closeProviders, purchase, testProvider } from "./support/provider.ts";

let home: TestDatabase;
let superuser: pg.Client;
let database: Database;
const opened = new Set<Database>();

beforeAll(async () => {
  home = await ownDatabase();
  superuser = new pg.Client({ connectionString: home.superuserUrl });
  await superuser.connect();
  await superuser.query("create table notes (id serial primary key, text text)");
  await superuser.query("grant all on notes, notes_id_seq to stallholder_app");
  database = through(home.appUrl);
});

afterAll(async () => {
  await Promise.all([...opened].map((one) => one.close()));
  await closeProviders();
  await closeProxies();
  await superuser.end();
  await home.drop();
});

function through(url: string, options: { connections?: number; statementMs?: number } = {}): Database {
  const one = connect({ url, ...options });
  opened.add(one);
  return one;
}

const note = "insert into notes (text) values ($1)";

async function notes(text: string): Promise<number> {
  const { rowCount } = await superuser.query("select from notes where text = $1", [text]);
  return rowCount ?? 0;
}

async function backend(tx: { query: (text: string) => Promise<object[]> }): Promise<number> {
  const [row] = await tx.query("select pg_backend_pid() as pid");
  return (row as { pid: number }).pid;
}

const kill = (pid: number) => superuser.query("select pg_terminate_backend($1)", [pid]);

describe("a transaction", () => {
  test("that swallowed a failed statement rejects and stores nothing", async () => {
    const swallowing = database.transaction("", async (tx) => {
      await tx.query(note, ["swallowed"]);
      await tx.query("select 1 / 0").catch(() => undefined);
      return "looks fine";
    });
    await expect(swallowing).rejects.toThrow("rolled back");
    expect(await notes("swallowed")).toBe(0);
  });

  test("stores what plain statements and knex builders wrote, or neither", async () => {
    const write = (text: string, fault?: Error) =>
      database.transaction("", async (tx) => {
        await tx.query(note, [text]);
        await tx.from("notes").insert({ text });
        if (fault) throw fault;
      });
    await write("both");
    await expect(write("neither", new Error("no"))).rejects.toThrow("no");
    expect([await notes("both"), await notes("neither")]).toEqual([2, 0]);
  });

  test.each(["40001", "40P01"])("that fails with %s runs again, three times at most, and stores once", async (code) => {
    const raise = `do $$ begin raise exception 'again' using errcode = '${code}'; end $$`;
    let runs = 0;
    const failing = (times: number) =>
      database.transaction("", async (tx) => {
        runs += 1;
        await tx.query(note, [`again ${code}`]);
        if (runs <= times) await tx.query(raise);
      });
    await failing(2);
    expect([runs, await notes(`again ${code}`)]).toEqual([3, 1]);
    runs = 0;
    await expect(failing(9)).rejects.toMatchObject({ code: "unavailable" });
    expect(runs).toBe(3);
  });

  test("and another that lock each other out both end", async () => {
    const [one, two] = await Promise.all(["one", "two"].map((text) => inserted(text)));
    const touch = (first: unknown, second: unknown) =>
      database.transaction("set local deadlock_timeout = '50ms'", async (tx) => {
        await tx.query("update notes set text = text where id = $1", [first]);
        await sleep(30);
        await tx.query("update notes set text = text where id = $1", [second]);
      });
    await superuser.query("grant set on parameter deadlock_timeout to stallholder_app");
    await Promise.all([touch(one, two), touch(two, one)]);
  });

  async function inserted(text: string): Promise<unknown> {
    const { rows } = await superuser.query(`${note} returning id`, [text]);
    return rows[0].id;
  }

  test.each([
    ["between two statements", () => sleep(50)],
    ["inside a statement", (tx: { query: (text: string) => Promise<object[]> }) => tx.query("select pg_sleep(5)")],
  ])("whose connection is killed %s is unavailable, and the next one works", async (_, pause) => {
    const killed = database.transaction("", async (tx) => {
      const pid = await backend(tx);
      setTimeout(() => void kill(pid), 20);
      await pause(tx);
      await tx.query(note, ["killed"]);
    });
    await expect(killed).rejects.toMatchObject({ code: "unavailable" });
    await database.transaction("", (tx) => tx.query(note, ["after a kill"]));
    expect(await notes("killed")).toBe(0);
  });

  test("that takes too long is unavailable", async () => {
    const hasty = through(home.appUrl, { statementMs: 100 });
    await expect(hasty.transaction("", (tx) => tx.query("select pg_sleep(5)"))).rejects.toMatchObject({
      code: "unavailable",
    });
  });

  test.each(["before", "after"] as const)(
    "whose connection is cut %s COMMIT is unavailable and not retried",
    async (when) => {
      const proxy = await pgProxy(home.appUrl);
      const cut = through(proxy.url);
      proxy.cut({ statement: "commit", when });
      const lost = cut.transaction("", (tx) => tx.query(note, [`cut ${when}`]));
      await expect(lost).rejects.toMatchObject({ code: "unavailable" });
      expect(await notes(`cut ${when}`)).toBe(when === "after" ? 1 : 0);
    },
  );

  test("whose connection is ended in the moment it is ready is unavailable, and the process lives", async () => {
    const proxy = await pgProxy(home.appUrl);
    const ended = through(proxy.url);
    for (const ask of [
      () => ended.transaction("", (tx) => tx.query("select 1")),
      () => ended.run({ text: "select 1" }),
    ]) {
      proxy.endNextWhenReady();
      await expect(ask()).rejects.toMatchObject({ code: "unavailable" });
    }
    await expect(ended.run({ text: "select 1 as one" })).resolves.toEqual([{ one: 1 }]);
  });

  test("to a server that fell silent gives its connection back; so does waiting for a connection", async () => {
    const proxy = await pgProxy(home.appUrl);
    const silent = through(proxy.url, { connections: 1, statementMs: 200 });
    await silent.run({ text: "select 1" });
    proxy.blackHole(true);
    const unavailable = { code: "unavailable" };
    const startedAt = performance.now();
    await Promise.all([
      expect(silent.transaction("", (tx) => tx.query("select 1"))).rejects.toMatchObject(unavailable),
      expect(silent.run({ text: "select 1" })).rejects.toMatchObject(unavailable),
    ]);
    proxy.blackHole(false);
    await silent.run({ text: "select 1" });
    expect(performance.now() - startedAt).toBeLessThan(6_000);
  });

  test("leaves neither role nor tenant on its connection, however it ended", async () => {
    const few = through(home.ownerUrl, { connections: 3 });
    const store = isolate(few, { role: "stallholder_app" });
    const scope = "select current_setting('app.tenant_id', true) as tenant, current_user as role";
    const visit = async (index: number) => {
      const tenant = mintTenantId();
      const fails = index % 10 < 3;
      const visited = store.asTenant(tenant, async (tx) => {
        const rows = await tx.query(scope);
        if (fails) await tx.query("select 1 / 0");
        return rows;
      });
      if (fails) await expect(visited).rejects.toThrow("division");
      else expect(await visited).toEqual([{ tenant, role: "stallholder_app" }]);
    };
    for (let round = 0; round < 25; round += 1) {
      await Promise.all(Array.from({ length: 12 }, (_, index) => visit(index)));
    }
    const left = await Promise.all(Array.from({ length: 12 }, () => few.run({ text: scope })));
    expect(left.flat()).toEqual(left.map(() => ({ tenant: "", role: "stallholder_owner" })));
  });

  test("is all that any command needs: one connection is enough for the whole life of a tenant", async () => {
    const alone = await testProvider({ connections: 1 });
    const { tenant } = (await alone.provision(purchase())).value;
    await alone.changePlan({ ...about(tenant), plan: "standard" });
    await alone.rotateCredentials(about(tenant));
    await alone.revealConfigVar(about(tenant), "ACME_SEARCH_API_KEY");
    await alone.suspend({ ...about(tenant), reason: "unpaid" });
    await alone.resume(about(tenant));
    const proof = { person: { id: "1", email: "a@example.com" }, tokenDigests: ["d"], tokenEnds: alone.clock.now() };
    await alone.signIn({ ...about(tenant), ...proof });
    await alone.rest();
    expect(await alone.deprovision(about(tenant))).toMatchObject({ kind: "done" });
  });
});

describe("listening", () => {
  test("hears notices, also after its connection was killed, and ends when told", async () => {
    let heard = 0;
    const stop = database.listen("critics", () => {
      heard += 1;
    });
    const knocking = setInterval(() => void superuser.query("notify critics"), 50);
    const until = async (count: number): Promise<void> => {
      while (heard < count) await sleep(20);
    };
    await until(1);
    await superuser.query("select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen critics'");
    await until(heard + 3);
    clearInterval(knocking);
    await stop();
    const listening = await superuser.query("select from pg_stat_activity where query = 'listen critics'");
    expect(listening.rowCount).toBe(0);
  });
});
