import { DAY, MINUTE } from "./support/clock.ts";
import { becomes, type ConsoleStage, type ConsoleVisitor, consoleOf } from "./support/console.ts";
import { closeServers } from "./support/listen.ts";
import { closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";

let shop: TestProvider;
let stage: ConsoleStage;
let visitor: ConsoleVisitor;

beforeAll(async () => {
  shop = await testProvider();
  stage = await consoleOf(shop);
  visitor = await stage.signIn();
});

afterAll(async () => {
  await closeServers();
  await closeProviders();
});

const page = async (query: string) => (await visitor.get(`/console/audit?${query}`).expect(200)).text;
const csv = async (query: string) => (await visitor.get(`/console/audit/export.csv?${query}`).expect(200)).text;
const numbers = (text: string): number[] => [...text.matchAll(/entry (\d+)</g)].map(([, number]) => Number(number));

/** Entries of a chain, one after the other, a minute apart. */
async function write(chain: string, entries: readonly { action: string; by: string; data?: object }[]): Promise<void> {
  for (const { action, by, data = {} } of entries) {
    shop.clock.advance(MINUTE);
    const values = [chain, action, by, shop.clock.now(), JSON.stringify(data)];
    await shop.look("select write_audit($1, $2, $3, $4, $4, $5)", values);
  }
}

describe("the audit page", () => {
  test("shows the operators' chain, newest first, with who, what and why", async () => {
    await write("operator", [{ action: "keys.resealed", by: "operator:<ada>", data: { reason: "a & b" } }]);
    const text = await page("action=keys.resealed");
    expect(text).toContain("operator:&lt;ada>");
    expect(text).toContain("a &amp; b");
    expect(text).toContain("Each entry on this page has the hash");
    const all = numbers(await page(""));
    expect(all).toEqual([...all].sort((left, right) => right - left));
    const [look] = await shop.look<{ data: { reason: string } }>(
      "select data from audit_entries where chain = 'operator' order by sequence desc limit 1",
    );
    expect(look?.data.reason).toBe("read the audit of operator");
  });

  test("shows a tenant's chain, and no other's", async () => {
    const { tenant } = (await shop.provision(purchase())).value;
    const { tenant: other } = (await shop.provision(purchase())).value;
    const text = await page(`chain=${tenant.id}`);
    expect(text).toContain("credential.issued");
    expect(text).toContain(`stallholder audit verify --tenant ${tenant.id}`);
    expect(text).not.toContain(other.id);
  });

  test("filters by action, by whom and by day, in the page and in the file", async () => {
    const start = shop.clock.now().toISOString().slice(0, 10);
    await write("operator", [{ action: "aws.assumed", by: "operator:ben" }]);
    shop.clock.advance(2 * DAY);
    visitor = await stage.signIn();
    await write("operator", [
      { action: "aws.assumed", by: "operator:ben" },
      { action: "aws.assumed", by: "operator:cleo" },
      { action: "rotation.started", by: "operator:ben" },
    ]);
    const today = shop.clock.now().toISOString().slice(0, 10);
    expect(numbers(await page("action=aws.assumed"))).toHaveLength(3);
    expect(numbers(await page("by=operator:ben"))).toHaveLength(3);
    expect(numbers(await page("action=aws.assumed&by=operator:ben"))).toHaveLength(2);
    expect(numbers(await page(`action=aws.assumed&from=${today}`))).toHaveLength(2);
    expect(numbers(await page(`action=aws.assumed&until=${start}`))).toHaveLength(1);
    expect(numbers(await page(`action=aws.assumed&from=${start}&until=${today}`))).toHaveLength(3);
    expect((await csv(`action=aws.assumed&from=${today}`)).trim().split("\n")).toHaveLength(3);
    expect(await page("action=no.such")).toContain("Nothing of that kind");
  });

  test("pages follow each other without a gap, and a page that found too little leads on", async () => {
    const { tenant } = (await shop.provision(purchase())).value;
    // Written past the function that chains them: it would take long for so many, and no hash matters here.
    await shop.look(
      `insert into audit_entries (chain, sequence, at, recorded_at, by, action, data, previous, hash)
       select $1, 1 + n, $2, $2, 'operator:x', case n when 1 then 'aws.connected' else 'aws.assumed' end, '{}', '', ''
       from generate_series(1, 5120) n`,
      [tenant.id, shop.clock.now()],
    );
    await shop.look("update audit_chains set sequence = 5121 where chain = $1", [tenant.id]);
    const first = await page(`chain=${tenant.id}`);
    const next = /href="\/console\/audit\?([^"]+)" rel="next"/.exec(first)?.[1]?.replaceAll("&amp;", "&") ?? "";
    const [one, two] = [numbers(first), numbers(await page(next))];
    expect(one).toHaveLength(50);
    expect(two[0]).toBe((one.at(-1) ?? 0) - 1);
    const rare = await page(`chain=${tenant.id}&action=aws.connected`);
    expect(rare).toContain("Look further");
    const further = /href="\/console\/audit\?([^"]+)" rel="next"/.exec(rare)?.[1]?.replaceAll("&amp;", "&") ?? "";
    expect(numbers(await page(further))).toHaveLength(1);
    expect((await csv(`chain=${tenant.id}`)).trim().split("\n").length).toBe((one[0] ?? 0) + 1);
  });

  test("the file holds no cell that a spreadsheet takes for a formula", async () => {
    await write("operator", [{ action: "rotation.paused", by: '=HYPERLINK("https://evil.example")' }]);
    const text = await csv("action=rotation.paused");
    expect(text).toContain(`"'=HYPERLINK(""https://evil.example"")"`);
    expect(text.split("\n")[0]).toBe("chain,sequence,at,recorded_at,by,action,data,hash");
  });

  test("says when the chain was anchored, and which entry was changed since it was written", async () => {
    const { tenant } = (await shop.provision(purchase())).value;
    expect(await page(`chain=${tenant.id}`)).toContain("Not anchored yet");
    shop.clock.advance(MINUTE);
    await shop.anchorAudit();
    expect(await page(`chain=${tenant.id}`)).toMatch(/Anchored up to entry \d+, <time/);
    await shop.look(`alter table audit_entries disable trigger kept`);
    await shop.look("update audit_entries set by = 'nobody' where chain = $1 and sequence = 1", [tenant.id]);
    await shop.look(`alter table audit_entries enable trigger kept`);
    const text = await page(`chain=${tenant.id}`);
    expect(text).toContain("1 of these entries were changed");
    expect(text).toContain('<span class="badge bad">changed</span>');
  });

  test.each([
    "chain=nobody",
    "chain=OPERATOR",
    "from=yesterday",
    "until=2026-13-45",
    "until=2026-02-31",
    "from=0000-01-01",
    "before=x",
    "before=0",
  ])("%s is told to be wrong", async (query) => {
    await visitor.get(`/console/audit?${query}`).expect(400);
  });

  test("is for operators, not for support", async () => {
    const person = await stage.signIn();
    await becomes(shop, "sue@round.example", "support");
    await person.get("/console/audit").expect(403);
    await person.get("/console/audit/export.csv").expect(403);
    expect((await person.get("/console").expect(200)).text).not.toContain("/console/audit");
    await becomes(shop, "sue@round.example", "operator");
    await person.get("/console/audit").expect(200);
  });
});
