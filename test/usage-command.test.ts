import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { usage } from "../src/cli/usage.ts";
import { ownDatabase, type TestDatabase } from "./support/cluster.ts";
import { runCommand } from "./support/command.ts";

const tenant = "c".repeat(26);
const day = { tenant, from: new Date("2026-05-10T00:00:00Z"), to: new Date("2026-05-11T00:00:00Z") };
const at = (hour: number): Date => new Date(Date.UTC(2026, 4, 10, hour));

interface Planted {
  readonly state: string;
  readonly units?: number;
  readonly row?: Readonly<Record<string, unknown>>;
  /** How the last attempt ended. */
  readonly outcome?: string;
}

/** One record an hour, from 01:00 on. */
const planted: readonly Planted[] = [
  { state: "accepted", units: 12, row: { verdict: "billed", attempts: 1, carried_out: 0.5 } },
  { state: "accepted", units: 12, row: { verdict: "billed_before", attempts: 2, carried_out: 0.5 } },
  {
    state: "refused",
    units: 12,
    row: { verdict: "rejected", message: "InvalidTagException", attempts: 1, carried_out: 0.5 },
  },
  { state: "expired", units: 12, row: { verdict: "too_late_unknown", attempts: 3, definite: 1, carried_out: 0.5 } },
  { state: "sent", units: 12, row: { due_at: at(20), attempts: 2, definite: 1, carried_out: 0.5 }, outcome: "unknown" },
  { state: "sealed", units: 12, row: { due_at: at(21), carried_out: 0.5 } },
  { state: "sealed", units: 12, row: { parked: "not_subscribed", attempts: 1, definite: 1, carried_out: 0.5 } },
  {
    state: "sent",
    units: 12,
    row: { due_at: at(22), attempts: 1, lease: "00000000-0000-4000-8000-000000000000", carried_out: 0.5 },
  },
  { state: "sealed" },
  { state: "open" },
];

describe("stallholder usage", () => {
  let database: TestDatabase;
  let superuser: pg.Client;
  let folder: string;

  beforeAll(async () => {
    database = await ownDatabase();
    folder = await mkdtemp(join(tmpdir(), "usage-"));
    process.env["DATABASE_URL"] = database.appUrl;
    process.env["DATA_DIR"] = folder;
    superuser = new pg.Client({ connectionString: database.superuserUrl });
    await superuser.connect();
    await insert("tenants", {
      id: tenant,
      marketplace: "aws",
      resource_id: "l-1",
      plan: "basic",
      state: "active",
      request_digest: "d",
      created_at: at(0),
      changed_at: at(0),
    });
    await insert("usage_lots", { lot: "lot", marketplace: "aws", pace: "p", due_at: at(23) });
    for (const [n, record] of planted.entries()) await plant(at(n + 1), record);
  });

  afterAll(async () => {
    delete process.env["DATABASE_URL"];
    delete process.env["DATA_DIR"];
    await superuser.end();
    await rm(folder, { recursive: true });
    await database.drop();
  });

  async function insert(table: string, row: Readonly<Record<string, unknown>>): Promise<void> {
    const names = Object.keys(row);
    const places = names.map((_, n) => `$${n + 1}`).join(", ");
    await superuser.query(`insert into ${table} (${names.join(", ")}) values (${places})`, Object.values(row));
  }

  async function plant(hour: Date, { state, units, row, outcome }: Planted): Promise<void> {
    const fixed = {
      frozen_at: hour,
      billing_reference: "payer",
      lot: "lot",
      stamped_at: hour,
      carried_in: 0,
      included: 0,
      units,
    };
    await insert("usage_records", {
      ...{ tenant_id: tenant, hour, dimension: "requests", quantity: 12.5, events: 1, state },
      sealed_at: state === "open" ? null : hour,
      expires_at: state === "open" ? null : new Date(hour.getTime() + 86_400_000),
      ...(units === undefined ? {} : fixed),
      ...row,
    });
    if (outcome === undefined) return;
    const attempt = { n: row?.["attempts"], lease: "00000000-0000-4000-8000-000000000001", started_at: hour };
    await insert("usage_attempts", {
      tenant_id: tenant,
      hour,
      dimension: "requests",
      ...attempt,
      outcome,
      fault: "503",
    });
  }

  const run = (more: object = {}) => runCommand(() => usage({ ...day, ...more }));

  test("shows the hours, and why a record is not billed", async () => {
    const { out, code } = await run();
    expect(code).toBe(0);
    expect(out.split("\n")).toEqual([
      "hour (UTC)     requests",
      "2026-05-10T01  12.5 as 12 ✔",
      "2026-05-10T02  12.5 as 12 ✔",
      "2026-05-10T03  12.5 as 12 ✘",
      "2026-05-10T04  12.5 as 12 ✘",
      "2026-05-10T05  12.5 as 12 →",
      "2026-05-10T06  12.5 as 12 ▫",
      "2026-05-10T07  12.5 as 12 ▫",
      "2026-05-10T08  12.5 as 12 →",
      "2026-05-10T09  12.5 ▫",
      "2026-05-10T10  12.5 …",
      "",
      expect.stringContaining("T02 requests: billed, as a later try was told"),
      "2026-05-10T03 requests: the marketplace refused it: InvalidTagException",
      expect.stringContaining("T04 requests: too late, and a try of unknown outcome"),
      "2026-05-10T05 requests: to be sent from 2026-05-10T20:00Z, until 2026-05-11T05:00Z; tried 2 times, 1 of them with unknown outcome (last: unknown, 503)",
      "2026-05-10T06 requests: to be sent from 2026-05-10T21:00Z, until 2026-05-11T06:00Z",
      expect.stringContaining("T07 requests: waits for newer news of the purchase"),
      expect.stringContaining("T08 requests: is being sent"),
      "2026-05-10T09 requests: waits for somebody who pays for its hour, until 2026-05-11T09:00Z",
      expect.stringContaining("T10 requests: its hour is not over yet"),
      "",
    ]);
  });

  test("only the hours that were asked for, and none where there are none", async () => {
    expect((await run({ from: at(3), to: at(4) })).out.split("\n")).toHaveLength(5);
    expect((await run({ from: at(20) })).out).toBe("No usage in these hours.\n");
  });

  test("a dry run says what would be sent and changes nothing", async () => {
    const { out } = await run({ dryRun: true, sendNow: true });
    expect(out.split("\n")[0]).toBe("4 records would be sent, as they are:");
    expect(out).toContain("2026-05-10T05:00:00.000Z requests 12 to payer");
    const { rows } = await superuser.query("select count(*)::int as due from usage_records where due_at <= stamped_at");
    expect(rows).toEqual([{ due: 0 }]);
  });

  test("send now makes due what waits, but nothing that is settled or just being sent", async () => {
    const { out } = await run({ sendNow: true, json: true });
    const told = JSON.parse(out);
    expect(told.hurried).toBe(3);
    expect(told.records).toHaveLength(10);
    expect(told.records[0]).toMatchObject({ units: "12", verdict: "billed", why: "billed" });
    const { rows } = await superuser.query(
      "select extract(hour from hour at time zone 'UTC')::int as hour from usage_records where due_at = stamped_at order by 1",
    );
    expect(rows.map(({ hour }) => hour)).toEqual([5, 6, 7]);
    expect((await superuser.query("select due_at <= '1970-01-01' as awake from usage_lots")).rows).toEqual([
      { awake: true },
    ]);
    expect((await run({ sendNow: true })).out).toMatch(/^0 records are due now/);
  });

  test("what is no tenant is told as such", async () => {
    await expect(run({ tenant: "nobody" })).rejects.toMatchObject({ code: "tenant_not_found" });
  });
});
