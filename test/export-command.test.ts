import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { exportData } from "../src/cli/export/export.ts";
import { beginFile } from "../src/cli/export/kept-file.ts";
import type { Line } from "../src/cli/export/subject.ts";
import { type SubjectName, subjects } from "../src/cli/export/subjects.ts";
import { connect } from "../src/db/db.ts";
import { isolate } from "../src/isolation/isolation.ts";
import { ownDatabase, type TestDatabase } from "./support/cluster.ts";
import { runCommand } from "./support/command.ts";

const tenants = ["b", "m", "y"].map((letter) => letter.repeat(26));
const [first = "", second = ""] = tenants;
const span = { from: new Date("2026-01-01T00:00:00Z"), to: new Date("2026-05-10T12:00:00Z") };
/** More than one step reads. */
const HOURS = 6_000;

let database: TestDatabase;
let superuser: pg.Client;
let folder: string;

beforeAll(async () => {
  database = await ownDatabase();
  folder = await mkdtemp(join(tmpdir(), "export-"));
  process.env["DATABASE_URL"] = database.appUrl;
  process.env["DATA_DIR"] = folder;
  superuser = new pg.Client({ connectionString: database.superuserUrl });
  await superuser.connect();
  for (const [n, id] of tenants.entries()) {
    await superuser.query(
      `insert into tenants (id, marketplace, resource_id, plan, state, name, facts, request_digest, created_at, changed_at, ended_at)
       values ($1, 'heroku', $2, 'basic', $3, '=1+1', '{"app": "+a", "owner": "who@example.com"}', 'd', '2026-04-16T00:00Z', '2026-04-16T00:00Z', $4)`,
      [id, `r-${n}`, n === 2 ? "gone" : "active", n === 2 ? "2026-05-01T00:00Z" : null],
    );
  }
  await superuser.query(
    `insert into usage_records (tenant_id, hour, dimension, quantity, events, state)
     select $1, '2026-05-10T11:00Z'::timestamptz - n * interval '1 hour', 'requests', 0.1, 1, 'open' from generate_series(1, $2) n`,
    [first, HOURS],
  );
  await superuser.query(
    `insert into usage_records (tenant_id, hour, dimension, quantity, events, state, sealed_at, units, verdict)
     values ($1, '2026-05-01T00:00Z', 'requests', 123456789012345.678900, 7, 'accepted', now(), 5, 'billed'),
            ($1, '2026-05-01T00:00Z', 'documents', 2, 1, 'accepted', now(), 2, 'shadow'),
            ($1, '2026-05-01T01:00Z', 'requests', 3, 1, 'refused', now(), 3, 'rejected')`,
    [second],
  );
});

afterAll(async () => {
  delete process.env["DATABASE_URL"];
  delete process.env["DATA_DIR"];
  await superuser.end();
  await rm(folder, { recursive: true });
  await database.drop();
});

const at = (name: string) => join(folder, name);
const run = (what: SubjectName, more: object = {}) =>
  runCommand(() => exportData(what, { format: "csv", ...span, ...more }));
const linesOf = async (name: string) => (await readFile(at(name), "utf8")).trimEnd().split("\n");

describe("stallholder export", () => {
  test("writes every record once, in order, its quantity exact, and says so", async () => {
    const said = await run("usage", { out: at("usage.csv"), json: true });
    expect(JSON.parse(said.out)).toMatchObject({ what: "usage", rows: 3_107 + 3, to: "2026-05-10T12:00:00.000Z" });
    const [head, ...lines] = await linesOf("usage.csv");
    expect(head).toBe("tenant,marketplace,plan,hour,dimension,quantity,events,state,units,verdict,accepted_at");
    expect(lines).toHaveLength(3_110);
    expect(new Set(lines).size).toBe(3_110);
    expect([...lines].sort()).toEqual(lines);
    expect(lines).toContain(
      `${second},heroku,basic,2026-05-01T00:00:00.000000Z,requests,123456789012345.6789,7,accepted,5,billed,`,
    );
    expect((await readdir(folder)).filter((name) => name.startsWith("usage.csv"))).toEqual(["usage.csv"]);
  });

  test("writes parquet too, into a file alone", async () => {
    await expect(run("tenants", { format: "parquet" })).rejects.toMatchObject({ code: "request_malformed" });
    await run("tenants", { format: "parquet", out: at("tenants.parquet") });
    expect((await readFile(at("tenants.parquet"))).subarray(0, 4).toString()).toBe("PAR1");
    expect((await readdir(folder)).filter((name) => name.startsWith("tenants.p"))).toEqual(["tenants.parquet"]);
  });

  test("makes formulas harmless, and names no owner", async () => {
    const { out, code } = await run("tenants");
    expect(code).toBe(0);
    expect(out).toContain(`${first},heroku,r-0,'=1+1,'+a,,basic,active,2026-04-16T00:00:00.000000Z`);
    expect(out).not.toContain("who@example.com");
    expect(await run("tenants", { to: new Date("2026-04-16T00:00:00Z") })).toMatchObject({
      out: expect.stringMatching(/^id,.*\n$/),
    });
  });

  test("sums what was billed by month, and the price of the plan for the time it was held", async () => {
    const { out } = await run("revenue", {
      from: new Date("2026-04-01T00:00:00Z"),
      to: new Date("2026-05-16T12:00:00Z"),
    });
    const lines = out.trimEnd().split("\n").slice(1);
    expect(lines).toEqual([
      "2026-04,heroku,basic,,3,,,,1.500000,13.50,USD",
      "2026-04,heroku,basic,requests,1,0,72,0,,,",
      "2026-05,heroku,basic,,2,,,,1.000000,9.00,USD",
      "2026-05,heroku,basic,documents,1,0,0,0,,,",
      "2026-05,heroku,basic,requests,2,5,22.7,3,,,",
    ]);
  });

  test("is told in the audit, once for each door", async () => {
    const { rows } = await superuser.query(
      `select data->>'reason' as reason, data->>'door' as door from audit_entries where chain = 'operator' order by sequence limit 1`,
    );
    expect(rows).toEqual([{ reason: "export usage", door: "export_usage" }]);
  });

  test("refuses what cannot be", async () => {
    for (const [what, more] of [
      ["usage", { resume: true }],
      ["usage", { json: true }],
      ["usage", { from: span.to, to: span.to }],
      ["usage", { out: join(folder, "nowhere", "x.csv") }],
    ] as const)
      await expect(run(what, more)).rejects.toMatchObject({ code: "request_malformed" });
    await expect(run("usage", { out: at("none.csv"), resume: true })).rejects.toMatchObject({
      code: "request_conflict",
    });
  });
});

describe("an export that was cut off", () => {
  /** As a process leaves it that is killed in the middle of writing a second step. */
  async function cutOff(what: SubjectName, name: string, wanted = span): Promise<void> {
    const pool = connect({ url: database.appUrl, connections: 1 });
    const store = isolate(pool, { role: null }).asOperator({ by: "operator:test", reason: "test", at: new Date() });
    const file = await beginFile(at(name), {
      ...{ what, format: "csv" },
      ...{ from: wanted.from.toISOString(), to: wanted.to.toISOString() },
    });
    const cells = (line: Line) => subjects[what].columns.map((column) => line[column.name] ?? "").join();
    await file.add(`${subjects[what].columns.map((column) => column.name).join()}\n`, 0, null);
    for await (const { lines, cursor } of subjects[what].steps(store, wanted, null)) {
      await file.add(lines.map((line) => `${cells(line)}\n`).join(""), lines.length, cursor);
      break;
    }
    await file.close();
    await appendFile(at(`${name}.part`), "half a li");
    await pool.close();
  }

  test("goes on where it was, and comes to the same file", async () => {
    const long = { ...span, from: new Date("2025-01-01T00:00:00Z") };
    await run("usage", { ...long, out: at("whole.csv") });
    await cutOff("usage", "cut.csv", long);
    const before = (await linesOf("cut.csv.part")).length;
    expect(before).toBeGreaterThan(5_000);
    expect(before).toBeLessThan(HOURS);
    await expect(run("usage", { ...long, out: at("cut.csv") })).rejects.toMatchObject({ code: "request_conflict" });
    expect((await readdir(folder)).includes("cut.csv")).toBe(false);
    const said = await runCommand(() => exportData("usage", { out: at("cut.csv"), resume: true }));
    expect(said).toMatchObject({ code: 0, out: `${HOURS + 3} rows in ${at("cut.csv")}.\n` });
    expect(await linesOf("cut.csv")).toEqual(await linesOf("whole.csv"));
  });

  test("of revenue keeps the months it has summed", async () => {
    const months = { ...span, from: new Date("2026-04-01T00:00:00Z") };
    await run("revenue", { ...months, out: at("revenue.csv") });
    await cutOff("revenue", "cut-revenue.csv", months);
    await run("revenue", { ...months, out: at("cut-revenue.csv"), resume: true });
    expect(await linesOf("cut-revenue.csv")).toEqual(await linesOf("revenue.csv"));
  });

  test("goes on with nothing but the same, as long as it is whole", async () => {
    await cutOff("usage", "other.csv");
    const resume = (what: SubjectName, more: object = {}) => run(what, { out: at("other.csv"), resume: true, ...more });
    await expect(resume("tenants")).rejects.toThrow("The export that was begun has usage, not tenants");
    await expect(resume("usage", { from: new Date(0) })).rejects.toMatchObject({ code: "request_conflict" });
    await expect(resume("usage", { format: "parquet" })).rejects.toThrow("has csv, not parquet");
    await writeFile(at("other.csv.part"), "short");
    await expect(resume("usage")).rejects.toThrow("is shorter than it was");
  });
});
