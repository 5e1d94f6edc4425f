import { execFileSync, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { startEmbedded } from "../src/db/embedded/embedded.ts";
import {
  type Account,
  addBrokenPackage,
  addPlatformPackage,
  childrenOf,
  isAlive,
  isGone,
  keepRow,
  keptRows,
  makeFolder,
  makeProject,
  PLATFORM_PACKAGE,
  query,
  type Supervisor,
  supervise,
} from "./support/embedded-project.ts";

/** Who runs the supervisor, from which installation, and where the data lie. */
interface Runner {
  readonly name: string;
  readonly account: Account | undefined;
  readonly project: string;
  readonly dataDir: string;
}

const isRoot = process.getuid?.() === 0;
const base = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "stallholder-embedded-")));
fs.chmodSync(base, 0o755);
const whole = `0.0.0-${randomBytes(4).toString("hex")}`;
const broken = `${whole}-broken`;
const withoutPackage = join(base, "without the package");
const withBrokenPackage = join(base, "with a broken package");

/** Everything of ours lies below a folder that is closed to others, with a space in its name. */
const ourselves: Runner = {
  name: isRoot ? "root" : "an ordinary user",
  account: undefined,
  project: join(base, "our own", "project"),
  dataDir: join(base, "our own", "data"),
};
/** Uses an installation that root made and nobody else can write to. */
const nobody = {
  name: "an ordinary user (nobody)",
  account: { uid: 65_534, gid: 65_534 },
  project: join(base, "project"),
  dataDir: join(base, "home of nobody", "data"),
};
/** Only root can become somebody else, who must then be able to run this Node and reach the temporary folder. */
const listBase = ["-e", "fs.readdirSync(process.argv[1])", base];
const canBeNobody = isRoot && spawnSync(process.execPath, listBase, { ...nobody.account, cwd: "/" }).status === 0;
const runners: Runner[] = canBeNobody ? [ourselves, nobody] : [ourselves];
const started: Supervisor[] = [];

beforeAll(async () => {
  makeProject(withoutPackage);
  execFileSync("cp", ["-R", withoutPackage, withBrokenPackage]);
  addBrokenPackage(withBrokenPackage, broken);
  for (const runner of runners) await install(runner);
}, 60_000);

afterEach(async () => {
  for (const supervisor of started.splice(0)) if (isAlive(supervisor.pid)) await supervisor.end("stop");
});

afterAll(() => {
  for (const version of [whole, broken]) fs.rmSync(programsOf(ourselves, version), { recursive: true, force: true });
  fs.rmSync(base, { recursive: true, force: true });
});

/** Installs the project, and makes the database in which most tests only look about. */
async function install(runner: Runner): Promise<void> {
  const home = dirname(runner.dataDir);
  fs.mkdirSync(home);
  fs.chmodSync(home, 0o700);
  if (runner.account !== undefined) fs.chownSync(home, runner.account.uid, runner.account.gid);
  execFileSync("cp", ["-R", withoutPackage, runner.project]);
  addPlatformPackage(runner.project, whole);
  const { server, end } = await start(runner);
  await query(server?.ownerUrl, "create table kept (row int)");
  await end("stop");
}

async function start(runner: Runner, dataDir = runner.dataDir): Promise<Supervisor> {
  const supervisor = await supervise(runner.project, dataDir, runner.account);
  started.push(supervisor);
  return supervisor;
}

function folderWith({ dataDir, account }: Runner, files: Record<string, string>): string {
  return makeFolder(join(dirname(dataDir), randomBytes(4).toString("hex")), files, account);
}

function programsOf(runner: Runner, version: string): string {
  const cache = runner === ourselves && isRoot ? "/var/cache/stallholder" : join(runner.dataDir, "programs");
  return join(cache, `postgres-${version}`);
}

const pidFile = ({ dataDir }: Runner): string => join(dataDir, "postgres/cluster/postmaster.pid");
const serverPid = (runner: Runner): number => Number.parseInt(fs.readFileSync(pidFile(runner), "utf8"), 10);

describe.each(runners)("startEmbedded as $name", (runner) => {
  const refusal = { name: "ProviderError", code: "config_invalid" };

  test("links the libraries that a forbidden install script left unlinked", () => {
    const inPlace = join(runner.project, "node_modules", PLATFORM_PACKAGE);
    const linked = runner === ourselves ? inPlace : programsOf(runner, whole);
    expect(fs.existsSync(join(linked, "native/lib/libpq.so.5"))).toBe(true);
    expect(fs.existsSync(join(inPlace, "native/lib/libpq.so.5"))).toBe(runner === ourselves);
  });

  test("serves under an ordinary account, below a folder that only its owner may enter", async () => {
    const { server } = await start(runner);
    expect(await query(server?.appUrl, "select current_user as role")).toEqual([{ role: "stallholder_app" }]);
    expect(fs.statSync(pidFile(runner)).uid).not.toBe(0);
    expect(fs.statSync(runner.dataDir).mode & 0o777).toBe(0o700);
    expect(fs.statSync(dirname(runner.dataDir)).mode & 0o777).toBe(0o700);
  });

  test("stops the server that a killed process left behind, and finds the data", async () => {
    const first = await start(runner);
    const row = await keepRow(first);
    const orphan = serverPid(runner);
    await first.signal("SIGKILL", "process");
    expect(isAlive(orphan)).toBe(true);

    const second = await start(runner);
    expect(second.lines).toEqual([`PostgreSQL: stopping server ${orphan}, which a killed process left behind`]);
    expect(await isGone(orphan)).toBe(true);
    expect(await keptRows(second)).toContain(row);
  });

  test("finds the data after it was killed together with its server", async () => {
    const first = await start(runner);
    const row = await keepRow(first);
    process.kill(serverPid(runner), "SIGKILL");
    await first.signal("SIGKILL", "process");
    expect(await keptRows(await start(runner))).toContain(row);
  });

  test("leaves a process alone that got the id of a server long gone", async () => {
    const { uid, gid } = fs.statSync(dirname(pidFile(runner)));
    const idle = ["-e", "setInterval(() => {}, 1000)"];
    const stranger = spawn(process.execPath, idle, isRoot ? { uid, gid, cwd: "/" } : {});
    fs.writeFileSync(pidFile(runner), `${stranger.pid}\n/elsewhere\n1\n5432\n\n127.0.0.1\n\nready\n`);
    if (isRoot) fs.chownSync(pidFile(runner), uid, gid);
    const { fault } = await start(runner);
    expect(fault).toBeUndefined();
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
    stranger.kill();
  });

  test("takes only scrambled passwords, only on the loopback address, and keeps its own private", async () => {
    const { server } = await start(runner);
    const where =
      "current_setting('listen_addresses') as listen, current_setting('unix_socket_directories') as sockets";
    expect(await query(server?.superuserUrl, `select ${where}`)).toEqual([{ listen: "127.0.0.1", sockets: "" }]);
    const methods = await query(server?.superuserUrl, "select distinct auth_method as method from pg_hba_file_rules");
    expect(methods).toEqual([{ method: "scram-sha-256" }]);
    const guess = Object.assign(new URL(server?.appUrl ?? ""), { password: "guess" });
    await expect(query(guess.href, "select")).rejects.toMatchObject({ code: "28P01" });

    const home = join(runner.dataDir, "postgres");
    expect(fs.readdirSync(home).sort()).toEqual(["cluster", "passwords.json", "server.log"]);
    expect(fs.statSync(join(home, "passwords.json")).mode & 0o777).toBe(0o600);
  });

  test("keeps its passwords from start to start", async () => {
    const passwordOf = ({ server }: Supervisor): string => new URL(server?.ownerUrl ?? "").password;
    const before = await start(runner);
    await before.end("stop");
    const after = await start(runner);
    expect(passwordOf(after)).toMatch(/^.{32}$/);
    expect(passwordOf(after)).toBe(passwordOf(before));
  });

  test("sorts by code point, whatever locale the shell has", async () => {
    const { server } = await start(runner);
    const facts = "datlocale as locale, 'a' > 'B' as by_code_point, upper('ä')";
    const rows = await query(server?.superuserUrl, `select ${facts} from pg_database where datname = 'stallholder'`);
    expect(rows).toEqual([{ locale: "C.UTF-8", by_code_point: true, upper: "Ä" }]);
  });

  test("refuses the data of another major version and says what to do", async () => {
    const { fault } = await start(runner, folderWith(runner, { "postgres/cluster/PG_VERSION": "17\n" }));
    expect(fault).toMatchObject(refusal);
    expect(fault?.message).toMatch(
      /made by PostgreSQL 17, .* brings PostgreSQL 18.*DATABASE_URL.*move that folder away/,
    );
  });

  test("asks for DATABASE_URL when its optional package is missing", async () => {
    const { fault } = await start({ ...runner, project: withoutPackage });
    expect(fault).toMatchObject(refusal);
    expect(fault?.message).toContain("Set DATABASE_URL");
  });

  test("answers programs that cannot be executed with an error and no crash", async () => {
    const { fault } = await start({ ...runner, project: withBrokenPackage });
    expect(fault).toMatchObject(refusal);
    expect(fault?.message).toMatch(/does not run on this machine \(.*EACCES.*\)\. Set DATABASE_URL/);
  });

  test("refuses a second process by name, and the first goes on serving", async () => {
    const first = await start(runner);
    const { fault } = await start(runner);
    expect(fault).toMatchObject(refusal);
    expect(fault?.message).toContain(`Process ${first.pid} already runs`);
    const row = await keepRow(first);
    expect(await keptRows(first)).toContain(row);
  });

  test("lets one of two processes serve that make the database at the same moment, after a start that was killed", async () => {
    const dataDir = folderWith(runner, { "postgres.new-abc/cluster/PG_VERSION": "" });
    const both = await Promise.all([start(runner, dataDir), start(runner, dataDir)]);
    const [serving] = both.filter(({ server }) => server !== undefined);
    const [refused] = both.filter(({ fault }) => fault !== undefined);
    expect(refused?.fault?.message).toContain(`Process ${serving?.pid} already runs`);
    expect(fs.readdirSync(dataDir).filter((name) => name.startsWith("postgres.new"))).toEqual([]);
  });

  test("leaves no process and no lock when it is stopped", async () => {
    const { end } = await start(runner);
    const pid = serverPid(runner);
    const family = [pid, ...childrenOf(pid)];
    await end("stop");
    expect(family.filter(isAlive)).toEqual([]);
    expect(fs.existsSync(join(runner.dataDir, "postgres.lock"))).toBe(false);
  });

  test("takes the server along when it exits without a stop", async () => {
    const { end } = await start(runner);
    const pid = serverPid(runner);
    await end("exit");
    expect(await isGone(pid)).toBe(true);
  });

  test("keeps Ctrl-C in the terminal from its server", async () => {
    const { signal, lines } = await start(runner);
    const pid = serverPid(runner);
    await signal("SIGINT", "group");
    expect(lines).toEqual(["still serving"]);
    expect(isAlive(pid)).toBe(false);
  });

  test("lets in only the owner and the serving role, and neither past a policy", async () => {
    const { server } = await start(runner);
    const facts = `rolname as role, rolsuper or rolbypassrls or rolcreatedb as powers, rolcreaterole as makes_roles,
      has_database_privilege(rolname, 'stallholder', 'temp') as temp,
      has_database_privilege(rolname, 'postgres', 'connect') as elsewhere`;
    const none = { powers: false, makes_roles: false, temp: false, elsewhere: false };
    const roles = `select ${facts} from pg_roles where rolname like 'stallholder%' order by 1`;
    expect(await query(server?.superuserUrl, roles)).toEqual([
      { ...none, role: "stallholder_app" },
      { ...none, role: "stallholder_owner", makes_roles: true, temp: true },
      // Makes databases, and gets into none of ours.
      { ...none, role: "stallholder_tenants", makes_roles: true, powers: true },
    ]);
    await query(server?.ownerUrl, "drop role if exists visitor; create role visitor login password 'visitor'");
    const visitor = Object.assign(new URL(server?.appUrl ?? ""), { username: "visitor", password: "visitor" });
    await expect(query(visitor.href, "select")).rejects.toMatchObject({ code: "42501" });
  });
});

describe("startEmbedded", () => {
  const closed = "as an ordinary user: Node or the temporary folder is closed to the account nobody";
  if (!canBeNobody) test.skip(isRoot ? closed : "as root: this run is an ordinary user's", () => undefined);
  test("refuses a second call in one process until the first was stopped, and stop may be called twice", async () => {
    const { dataDir } = ourselves;
    const server = await startEmbedded({ dataDir, durable: false });
    await expect(startEmbedded({ dataDir })).rejects.toThrow(`Process ${process.pid} already runs`);
    expect(server.stop()).toBe(server.stop());
    await server.stop();
    const again = await startEmbedded({ dataDir, durable: false });
    await again.stop();
  });

  test("keeps on disk what was committed, unless told that it is for tests", async () => {
    const { dataDir } = ourselves;
    const settings = "select current_setting('fsync') as fsync, current_setting('synchronous_commit') as waits";
    const tests = await startEmbedded({ dataDir, durable: false });
    expect(await query(tests.superuserUrl, settings)).toEqual([{ fsync: "off", waits: "off" }]);
    await tests.stop();
    const server = await startEmbedded({ dataDir });
    expect(await query(server.superuserUrl, settings)).toEqual([{ fsync: "on", waits: "on" }]);
    await server.stop();
  });
});
