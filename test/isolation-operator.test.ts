import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { review } from "../src/cli/aws.ts";
import { connect, type Database } from "../src/db/db.ts";
import { isolate, type Store } from "../src/isolation/isolation.ts";
import { mintTenantId } from "../src/tenants/tenants.ts";
import { ownDatabase, type TestDatabase } from "./support/cluster.ts";
import { runCommand } from "./support/command.ts";

const [a, b] = [mintTenantId(), mintTenantId()];
const at = new Date("2026-05-10T10:00:00Z");
let home: TestDatabase;
let superuser: pg.Client;
let database: Database;
let store: Store;

beforeAll(async () => {
  home = await ownDatabase();
  superuser = new pg.Client({ connectionString: home.superuserUrl });
  await superuser.connect();
  database = connect({ url: home.appUrl });
  store = isolate(database, { role: null });
  for (const id of [a, b]) {
    await superuser.query(
      `insert into tenants (id, marketplace, resource_id, plan, state, request_digest, created_at, changed_at)
       values ($1, 'bazaar', $1, 'basic', 'active', 'd', $2, $2)`,
      [id, at],
    );
  }
});

afterAll(async () => {
  await Promise.all([superuser.end(), database.close()]);
  await home.drop();
});

async function told(): Promise<unknown[]> {
  const sql = "select chain, action, by, at, data from audit_entries order by chain = 'operator', chain, sequence";
  const { rows } = await superuser.query(sql);
  return rows;
}

const operator = { by: "operator:ada", reason: "a call of the customer", at } as const;
const crossing = { action: "operator.crossed", by: operator.by, at };

describe("an operator who crosses tenants", () => {
  test("is written into the chain of each tenant that is entered, once, before anything is read", async () => {
    const operating = store.asOperator(operator);
    const seen = await operating.asTenant(a, (tx) => tx.query("select chain, action from audit_entries"));
    expect(seen).toEqual([{ chain: a, action: "operator.crossed" }]);
    expect(await operating.asTenant(a, (tx) => tx.query("select id from tenants"))).toEqual([{ id: a }]);
    await expect(operating.asTenant(b, () => Promise.reject(new Error("after a look")))).rejects.toThrow(
      "after a look",
    );
    const entry = { ...crossing, data: { reason: operator.reason } };
    expect(await told()).toEqual([a, b].sort().map((chain) => ({ chain, ...entry })));
  });

  test("is written into the operators' chain for each door that looks across, once", async () => {
    const operating = store.asOperator(operator);
    for (const text of [
      "select aws_unclaimed(10)",
      "select aws_unclaimed(20)",
      "select * from list_tenants(null, null, null, 1)",
    ]) {
      await operating.throughDoor({ text });
    }
    expect((await told()).slice(2)).toEqual([
      { chain: "operator", ...crossing, data: { reason: operator.reason, door: "aws_unclaimed" } },
      { chain: "operator", ...crossing, data: { reason: operator.reason, door: "list_tenants" } },
    ]);
  });

  test("does not cross when it cannot be written down", async () => {
    await superuser.query("alter function append_audit rename to append_audit_away");
    const operating = store.asOperator(operator);
    const unreachable = () => Promise.reject(new Error("It went on."));
    await expect(operating.asTenant(a, unreachable)).rejects.toThrow("append_audit");
    await expect(operating.throughDoor({ text: "select aws_unclaimed(10)" })).rejects.toThrow("append_audit");
    await superuser.query("alter function append_audit_away rename to append_audit");
  });

  test("leaves no chain for a tenant that does not exist", async () => {
    const nobody = mintTenantId();
    expect(await store.asOperator(operator).asTenant(nobody, (tx) => tx.query("select from tenants"))).toEqual([]);
    await expect(store.asOperator(operator).asTenant("nobody", async () => undefined)).rejects.toMatchObject({
      code: "tenant_not_found",
    });
    expect(JSON.stringify(await told())).not.toContain(nobody);
  });

  test("is named by a command", async () => {
    process.env["DATABASE_URL"] = home.appUrl;
    expect((await runCommand(() => review({}))).out).toBe("None.\n");
    delete process.env["DATABASE_URL"];
    expect((await told()).at(-1)).toMatchObject({
      chain: "operator",
      action: "operator.crossed",
      by: expect.stringMatching(/^operator:.+/),
      data: { reason: "aws review", door: "aws_review" },
    });
  });
});

describe("the code", () => {
  async function filesWith(pattern: RegExp): Promise<string[]> {
    const names = (await readdir("src", { recursive: true })).filter((name) => /\.tsx?$/.test(name)).sort();
    const texts = await Promise.all(
      names.map(async (name) => [name, await readFile(join("src", name), "utf8")] as const),
    );
    return texts.filter(([, text]) => pattern.test(text)).map(([name]) => name);
  }

  test("crosses tenants in commands and pages of an operator alone, each by one name", async () => {
    expect(await filesWith(/\basOperator\(/)).toEqual([
      "cli/audit.ts",
      "cli/aws-roles.ts",
      "cli/aws.ts",
      "cli/events.ts",
      "cli/export/export.ts",
      "cli/listen.ts",
      "cli/operator-database.ts",
      "cli/reconcile.ts",
      "cli/reporting.ts",
      "cli/reseal.ts",
      "cli/rotate.ts",
      "cli/usage.ts",
      "cli/with-databases.ts",
      "dashboard/console/parts.ts",
      "isolation/isolation.ts",
    ]);
    // The check of the audit tells of itself afterwards.
    expect(await filesWith(/\bwithStore\(/)).toEqual(["cli/audit.ts", "cli/operator-database.ts"]);
  });

  test("makes a store where the service or a command starts, and where usage has connections of its own", async () => {
    expect(await filesWith(/\bisolate\(/)).toEqual([
      "cli/operator-database.ts",
      "compose/core.ts",
      "isolation/isolation.ts",
      "metering/metering.ts",
    ]);
  });

  test.each([
    ["aws_unclaimed", "marketplaces/aws/review/review.ts"],
    ["aws_review", "marketplaces/aws/review/review.ts"],
    ["aws_replay_message", "marketplaces/aws/review/review.ts"],
    ["usage_ledger", "metering/ledger.ts"],
    ["hurry_usage", "metering/explain.ts"],
  ])("calls %s, which is for operators, only where an operator's store is asked for", async (door, file) => {
    expect(await filesWith(new RegExp(`\\b${door}\\(`))).toEqual([file]);
    const text = await readFile(join("src", file), "utf8");
    expect(text).toContain("store: OperatorStore");
    expect(text).not.toMatch(/store: Store\b/);
  });
});
