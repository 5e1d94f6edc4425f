import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { reconcile } from "../src/cli/reconcile.ts";
import { billingReference, lotOf } from "../src/marketplaces/aws/report/billing-reference.ts";
import { ownDatabase, type TestDatabase } from "./support/cluster.ts";
import { runCommand } from "./support/command.ts";

const region = "us-east-1";
const productCode = "code";
const arn = "arn:aws:license-manager::123456789012:license:l-1";
const reference = billingReference({ generation: "licence", licenceArn: arn, accountId: "000000000001", region });
const tenants = ["a".repeat(26), "b".repeat(26)];
const header = "License ARN,Dimension,Usage Quantity,Usage Start Date,Usage End Date\n";

describe("stallholder reconcile aws", () => {
  let database: TestDatabase;
  let folder: string;

  beforeAll(async () => {
    database = await ownDatabase();
    folder = await mkdtemp(join(tmpdir(), "reconcile-"));
    process.env["DATABASE_URL"] = database.appUrl;
    process.env["DATA_DIR"] = folder;
    const superuser = new pg.Client({ connectionString: database.superuserUrl });
    await superuser.connect();
    for (const [n, tenant] of tenants.entries()) await plant(superuser, tenant, n);
    await superuser.end();
  });

  afterAll(async () => {
    delete process.env["DATABASE_URL"];
    delete process.env["DATA_DIR"];
    await rm(folder, { recursive: true });
    await database.drop();
  });

  /** Two hours of a tenant: one of 5 units that was billed, and one of 3 of which nobody knows. */
  async function plant(superuser: pg.Client, tenant: string, n: number): Promise<void> {
    await superuser.query(
      `insert into tenants (id, marketplace, resource_id, plan, region, state, name, request_digest, created_at, changed_at)
       values ($1, 'aws', $2, 'basic', 'us', 'active', 'n', 'd', '2026-05-01', '2026-05-01')`,
      [tenant, `licence-${n}`],
    );
    await superuser.query(
      `insert into usage_records (tenant_id, hour, dimension, quantity, events, state, sealed_at, frozen_at, billing_reference,
         lot, stamped_at, carried_in, included, units, carried_out, expires_at, attempts, definite, verdict)
       select $1, h.hour, 'requests', h.units, 1, h.state, h.hour, h.hour, $2, $3, h.hour, 0, 0, h.units, 0, h.hour, 1, 0, h.verdict
       from (values ('2026-05-10T01:00Z'::timestamptz, 5, 'accepted', 'billed'), ('2026-05-10T02:00Z', 3, 'sent', null))
         as h(hour, units, state, verdict)`,
      [tenant, reference.replace("l-1", `l-${n + 1}`), lotOf({ generation: "licence", region, productCode })],
    );
  }

  async function file(name: string, text: string): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  }

  const run = (options: Parameters<typeof reconcile>[0]) => runCommand(() => reconcile(options));

  const line = (n: number, units: number) =>
    `${arn.replace("l-1", `l-${n}`)},requests,${units},2026-05-01,2026-06-01\n`;

  test("ends with 0 where the report says what the database says", async () => {
    const report = await file("equal.csv", header + line(1, 5) + line(2, 5));
    const said = await run({ report });
    expect(said.code).toBe(0);
    expect(said.out).toMatch(/^No difference\..*4 records of ours/);
  });

  test("ends with 1 where it does not, and writes what differs", async () => {
    const report = await file("other.csv", header + line(1, 8) + line(2, 5));
    const csv = join(folder, "out.csv");
    const said = await run({ report, csv });
    expect(said.code).toBe(1);
    expect(said.out).toContain("+3 requests 2026-05-01T00:00");
    expect(said.out).toContain("ours 5, theirs 8 (line 2)");
    expect(await readFile(csv, "utf8")).toBe(
      `kind,payer,dimension,from,until,ours,theirs,difference,at\nother_units,${arn},requests,2026-05-01T00:00:00.000Z,2026-06-01T00:00:00.000Z,5,8,3,line 2\n`,
    );
  });

  test("a log shows that a record was billed of which nobody knew", async () => {
    const usageRecord = { timestamp: "2026-05-10T02:00:00Z", dimension: "requests", quantity: 3, licenseArn: arn };
    const event = {
      eventName: "BatchMeterUsage",
      eventSource: "metering-marketplace.amazonaws.com",
      eventTime: "2026-05-10T03:00:00Z",
      eventID: "e-1",
      awsRegion: region,
      responseElements: { results: [{ status: "Success", usageRecord }] },
    };
    const cloudtrail = await file("log.json", JSON.stringify({ Records: [event] }));
    const said = await run({ cloudtrail, json: true });
    expect(said.code).toBe(1);
    expect(JSON.parse(said.out)).toMatchObject({
      equal: false,
      differences: [{ kind: "billed_unnoticed", payer: arn, ours: 0, theirs: 3, difference: 3, at: "e-1" }],
    });
  });

  test("ends with 64 and names every fault of every file, and compares nothing", async () => {
    const report = await file("bad.csv", `${header}x,requests,many,2026-05-01,\n,,,\n`);
    const cloudtrail = await file("bad.json", "{}");
    const said = await run({ report, cloudtrail });
    expect(said).toMatchObject({ code: 64, out: "" });
    expect(said.err.split("\n").slice(1, -1)).toEqual([
      expect.stringContaining("bad.csv: line 2"),
      expect.stringContaining("bad.csv: line 3"),
      expect.stringContaining("bad.json: is no export"),
    ]);
    const empty = { report: await file("empty.csv", header), cloudtrail: await file("empty.json", '{"Records":[]}') };
    expect(await run(empty)).toMatchObject({
      code: 64,
      err: expect.stringMatching(/empty\.csv: has no line.*\n.*empty\.json: has no record/),
    });
    const mapping = await file("mapping.json", "[]");
    expect(await run({ report, mapping })).toMatchObject({ code: 64, err: expect.stringContaining("mapping.json") });
    const none = join(folder, "none.csv");
    expect(await run({ report: none })).toMatchObject({ code: 64, err: expect.stringContaining("ENOENT") });
    expect(await run({})).toMatchObject({ code: 64 });
  });
});
