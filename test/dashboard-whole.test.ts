import { DAY } from "./support/clock.ts";
import { send, settle } from "./support/usage.ts";
import { type Customer, enterStage, leaveStage, type Stage } from "./support/visitor.ts";
import { wordsOf } from "./support/words.ts";

let stage: Stage;

beforeAll(async () => {
  stage = await enterStage();
});
afterAll(leaveStage);

/** Counts `quantity` requests for the customer now. */
async function use({ tenant }: Customer, quantity: number): Promise<void> {
  const { shop } = stage;
  const id = `${tenant.id} ${quantity} ${shop.clock.now().toISOString()}`;
  await send(shop, { id, tenant: tenant.id, dimension: "requests", quantity, time: shop.clock.now().toISOString() });
  await settle(shop);
}

const wordsAt = async (customer: Pick<Customer, "get">, path = "/dashboard") =>
  wordsOf((await customer.get(path)).text);

describe("usage on the dashboard", () => {
  test("marks stand at 80 % and 100 %, and whichever is passed is said in words", async () => {
    const customer = await stage.customer();
    await use(customer, 79_999);
    expect(await wordsAt(customer)).toContain("Search requests 79,999 of 100,000");
    await use(customer, 1);
    expect(await wordsAt(customer)).toContain("Search requests 80 % reached 80,000 of 100,000");
    await use(customer, 20_000);
    expect(await wordsAt(customer)).toContain("Search requests 100 % reached 100,000 of 100,000");
    expect((await customer.get("/dashboard")).text).toMatch(/<meter [^>]*max="100000" high="80000"/);
  });

  test("less than a day of use is projected nowhere; what a contract includes is projected to its own end", async () => {
    const { shop } = stage;
    const customer = await stage.customer();
    const from = shop.clock.now();
    await shop.look(
      `insert into usage_included (tenant_id, billing_reference, dimension, from_at, until_at, quantity, used)
       values ($1, $1, 'requests', $2, $3, 5000, 1000)`,
      [customer.tenant.id, from, new Date(from.getTime() + 20 * DAY)],
    );
    await use(customer, 1_000);
    expect(await wordsAt(customer)).toContain("What it will be by the end of the month is said after a day of use.");
    shop.clock.advance(2 * DAY);
    const again = await stage.visit(customer.tenant);
    expect(await wordsAt(again)).toMatch(/At this rate 1[0-9],\d{3} by the end of the month\./);
    expect(await wordsAt(again)).toMatch(/1,000 of 5,000 included until .* At this rate 10,0\d\d by .*, which is more/);
  });
});
