import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { replay, review, unclaimed } from "../src/cli/aws.ts";
import { withClient } from "../src/db/embedded/roles.ts";
import { ownDatabase, type TestDatabase } from "./support/cluster.ts";
import { runCommand } from "./support/command.ts";

describe("stallholder aws", () => {
  let database: TestDatabase;
  let folder: string;

  beforeAll(async () => {
    database = await ownDatabase();
    folder = await mkdtemp(join(tmpdir(), "aws-command-"));
    process.env["DATABASE_URL"] = database.appUrl;
    process.env["DATA_DIR"] = folder;
    const old = new Date(Date.now() - 73 * 3_600_000);
    await withClient(database.superuserUrl, async (client) => {
      await client.query(
        `insert into aws_licences (key, generation, product_code, region, state, created_at, changed_at, registered_at, review)
         values ('paid', 'licence', 'code', 'us-east-1', 'active', $1, $1, null, null),
                ('registered', 'licence', 'code', 'us-east-1', 'unknown', $2, $2, $2, null),
                ('strange', 'licence', 'code', 'us-east-1', 'active', $2, $2, $2, 'Another tenant has it.'),
                ('over', 'licence', 'code', 'us-east-1', 'ended', $1, $1, null, null)`,
        [old, new Date(Date.now() - 5_400_000)],
      );
      await client.query(
        `insert into aws_messages (source, message_id, received_at, body, state, fault, tries, due_at)
         values ('eventbridge', 'm', $1, 'x', 'flagged', 'is not JSON', 3, $1)`,
        [old],
      );
    });
  });

  afterAll(async () => {
    delete process.env["DATABASE_URL"];
    delete process.env["DATA_DIR"];
    await rm(folder, { recursive: true });
    await database.drop();
  });

  test("lists what is paid for and not registered, and what is registered and not licensed, oldest first", async () => {
    const { out } = await runCommand(() => unclaimed({}));
    expect(out.split("\n")).toEqual([
      "3 d  paid  code  active: the buyer has not registered",
      "1 h  registered  code  unknown: AWS has not told of the licence",
      "1 h  strange  code  active: Another tenant has it.",
      "",
    ]);
    const { out: json } = await runCommand(() => unclaimed({ json: true }));
    expect(JSON.parse(json)).toMatchObject([{ key: "paid" }, { key: "registered" }, { key: "strange" }]);
  });

  test("lists what fits nowhere, and has a message read again", async () => {
    const { out } = await runCommand(() => review({}));
    expect(out).toContain("1 h  licence strange: Another tenant has it.\n");
    const id = /message (\d+): is not JSON/.exec(out)?.[1] ?? "";
    expect((await runCommand(() => replay(id))).out).toBe(`Message ${id} is read again by a worker.\n`);
    expect((await runCommand(() => review({ json: true }))).out).not.toContain("is not JSON");
    expect((await runCommand(() => replay(id))).out).toContain("again");
  });

  test.each(["0", "x", "1; drop table aws_messages", "99999999999999999999"])("%s is no message", async (id) => {
    await expect(runCommand(() => replay(id))).rejects.toMatchObject({
      message: expect.stringContaining("no message"),
    });
  });
});
