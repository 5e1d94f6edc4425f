import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { DAY, HOUR, MINUTE, testClock } from "./support/clock.ts";
import { type MeteredBazaar, meteredBazaar } from "./support/metered-bazaar.ts";
import { type Step, step } from "./support/metering-day.ts";
import { about, closeProviders, MARKETPLACE, type TestProvider, testProvider } from "./support/provider.ts";
import { newTenant, report, send, settle } from "./support/usage.ts";

const clock = testClock("2026-03-25T12:00:00Z");
let workers: readonly [TestProvider, TestProvider];
let bazaar: MeteredBazaar;

beforeAll(async () => {
  bazaar = meteredBazaar(clock);
  const first = await testProvider({ clock, reporting: new Map([[MARKETPLACE, bazaar]]) });
  workers = [first, await testProvider({ beside: first })];
});

afterAll(closeProviders);

/** What the senders of one day know. */
interface Day {
  readonly tenants: readonly string[];
  /** Which payer each has now. */
  readonly payers: string[];
  /** Thousandths that were acknowledged, by tenant. */
  readonly acknowledged: Map<string, bigint>;
  /** Rounds of reporting that are under way, and what the slow ones wait for. */
  readonly flying: Promise<unknown>[];
  readonly landings: ((line: "taken" | "lost" | "dropped") => void)[];
}

/** The parts of the law, in thousandths of a unit. */
interface Books {
  readonly records: string;
  readonly waiting: string;
  readonly included: string;
  readonly billed: string;
  readonly lost: string;
  readonly carried: string;
}

/** units acknowledged = billed + included + waiting + carried + lost, each with its name, for one tenant. */
async function booksOf(tenant: string): Promise<Books> {
  const [books] = await workers[0].look<Books>(
    `with r as (select * from usage_records where tenant_id = $1)
     select (select coalesce(sum(quantity), 0) * 1000 from r)::bigint as records,
       (select coalesce(sum(coalesce(units, quantity)), 0) * 1000 from r where verdict is null)::bigint as waiting,
       (select coalesce(sum(included), 0) * 1000 from r)::bigint as included,
       (select coalesce(sum(units), 0) * 1000 from r where state = 'accepted')::bigint as billed,
       (select coalesce(sum(coalesce(units, quantity)), 0) * 1000 from r
        where state in ('refused', 'expired') and verdict <> 'carried_over')::bigint as lost,
       (select coalesce(sum(balance), 0) * 1000 from usage_carries where tenant_id = $1)::bigint as carried`,
    [tenant],
  );
  if (books === undefined) throw new Error("The books are empty.");
  return books;
}

async function expectTheLaw({ tenants, acknowledged }: Day): Promise<void> {
  for (const tenant of tenants) {
    const books = await booksOf(tenant);
    const [events] = await workers[0].look<{ held: string }>(
      "select (coalesce(sum(quantity), 0) * 1000)::bigint as held from usage_events where tenant_id = $1",
      [tenant],
    );
    expect(events?.held).toBe(`${acknowledged.get(tenant) ?? 0n}`);
    const { records, ...parts } = books;
    const sum = Object.values(parts).reduce((total, part) => total + BigInt(part), 0n);
    expect({ ...books, sum: `${sum}` }).toEqual({ ...books, sum: records });
  }
}

/** Every record against the ledger: billed is there with its units, clean ends are not, and there is nothing else. */
async function expectTheLedger({ tenants }: Day, seen: Set<string>): Promise<void> {
  const rows = await workers[0].look<{ key: string; units: string; verdict: string }>(
    `select concat_ws(' ', billing_reference, dimension, to_char(hour at time zone 'UTC', 'YYYY-MM-DD"T"HH24')) as key,
            units, verdict from usage_records where tenant_id = any($1) and units > 0`,
    [tenants],
  );
  const known = new Set<string>();
  for (const { key, units, verdict } of rows) {
    seen.add(verdict);
    known.add(key);
    const held = bazaar.ledger.get(key);
    if (verdict === "billed" || verdict === "billed_before") expect(`${key} ${held}`).toBe(`${key} ${units}`);
    else if (verdict === "too_late_unknown") expect([undefined, Number(units)]).toContain(held);
    else expect(`${key} ${verdict} ${held}`).toBe(`${key} ${verdict} undefined`);
  }
  const payersOfTheDay = [...bazaar.ledger.keys()].filter((key) => tenants.some((tenant) => key.startsWith(tenant)));
  for (const key of payersOfTheDay) if ((bazaar.ledger.get(key) ?? 0) > 0) expect(known).toContain(key);
}

async function pay(day: Day, index: number, bills: "all" | "excess" | "none"): Promise<void> {
  const tenant = day.tenants[index] ?? "";
  await lapse(day, index);
  day.payers[index] = `${tenant}/${randomUUID().slice(0, 8)}`;
  await workers[0].billTo(
    { tenant },
    { billingReference: day.payers[index] ?? "", lot: `lot ${index % 2}`, pace: "ours", bills, from: clock.now() },
  );
}

async function lapse(day: Day, index: number): Promise<void> {
  const tenant = day.tenants[index] ?? "";
  const billingReference = day.payers[index];
  if (billingReference === undefined) return;
  const flushBy = new Date(clock.now().getTime() + HOUR);
  await workers[0].endBilling({ tenant }, { billingReference, endedAt: clock.now(), flushBy });
}

async function use(day: Day, { who: index, thousandths, ago, tag }: Step & { kind: "use" }): Promise<void> {
  const tenant = day.tenants[index] ?? "";
  const time = ago === 0 ? {} : { time: new Date(clock.now().getTime() - ago).toISOString() };
  const tags = tag === 0 ? {} : { tags: { team: `${tag}` } };
  const quantity = (thousandths / 1_000).toFixed(3);
  const [verdict] = await send(workers[0], {
    id: randomUUID(),
    tenant,
    dimension: "requests",
    quantity,
    ...time,
    ...tags,
  });
  if (verdict === "accepted") {
    day.acknowledged.set(tenant, (day.acknowledged.get(tenant) ?? 0n) + BigInt(thousandths));
  }
}

function startReport(day: Day, { which: index, line }: Step & { kind: "report" }): void {
  const worker = workers[index as 0 | 1];
  const slow = new Promise<"taken" | "lost" | "dropped">((resolve) => {
    if (line === "slow") day.landings.push(resolve);
  });
  const calls = bazaar.calls.length;
  bazaar.otherwise = () =>
    bazaar.calls.length === calls + 1 && line === "slow" ? slow : line === "slow" ? "taken" : line;
  day.flying.push(worker.reportUsage(0));
}

async function take(one: Step, day: Day): Promise<void> {
  const tenant = "who" in one ? (day.tenants[one.who] ?? "") : "";
  const reference = "who" in one ? day.payers[one.who] : undefined;
  switch (one.kind) {
    case "use":
      return use(day, one);
    case "turn":
      return clock.advance(one.minutes * MINUTE);
    case "work":
      await Promise.all([workers[one.which as 0 | 1].meterUsage(), workers[0].meterUsage()]);
      return;
    case "report":
      startReport(day, one);
      if (one.line !== "slow") await day.flying.at(-1);
      return;
    case "land":
      day.landings.shift()?.(one.line);
      return;
    case "renew":
      return pay(day, one.who, one.bills);
    case "lapse":
      return lapse(day, one.who);
    case "include":
      return includeSome(tenant, reference, one.quantity);
    case "news":
      bazaar.unsubscribed.delete(reference ?? "");
      return reference === undefined ? undefined : workers[1].retryBilling({ tenant }, reference);
    case "unsubscribe":
      bazaar.unsubscribed.add(reference ?? "nobody");
      return;
    case "end":
      await lapse(day, one.who);
      await workers[0].deprovision(about({ id: tenant })).catch(() => undefined);
  }
}

async function includeSome(tenant: string, reference: string | undefined, quantity: number): Promise<void> {
  if (reference === undefined) return;
  const from = new Date(Math.floor(clock.now().getTime() / DAY) * DAY);
  const until = new Date(from.getTime() + 2 * DAY);
  await workers[0].include({ tenant }, { billingReference: reference, dimension: "requests", from, until, quantity });
}

/** Everything lands, the marketplace is well, and time goes on until nothing waits any more. */
async function comeToRest(day: Day): Promise<void> {
  for (const land of day.landings.splice(0)) land("taken");
  await Promise.all(day.flying);
  bazaar.otherwise = () => "taken";
  for (let round = 0; round < 6; round += 1) {
    await settle(workers[0]);
    await Promise.all(workers.map((one) => report(one)));
    await expectTheLaw(day);
    clock.advance(round < 3 ? HOUR + MINUTE : DAY + HOUR);
  }
  await settle(workers[1]);
}

describe("on any day, with two workers", () => {
  test("every unit acknowledged is billed, included, waiting, carried or lost with a reason, and the ledger agrees", async () => {
    const seen = new Set<string>();

    const live = async (steps: readonly Step[]): Promise<void> => {
      const tenants = await Promise.all([0, 1, 2].map(() => newTenant(workers[0])));
      const day: Day = { tenants, payers: [], acknowledged: new Map(), flying: [], landings: [] };
      await pay(day, 0, "all");
      await pay(day, 1, "excess");
      for (const one of steps) {
        await take(one, day);
        await expectTheLawOfSummedUsage(day);
      }
      await comeToRest(day);
      await expectTheLedger(day, seen);
      const [left] = await workers[0].look<{ rows: string }>(
        "select count(*) as rows from usage_records where tenant_id = any($1) and verdict is null",
        [tenants],
      );
      expect(left?.rows).toBe("0");
      expect(bazaar.offences).toEqual([]);
    };

    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 12, maxLength: 40 }), live), {
      numRuns: Number(process.env["LAW_RUNS"] ?? 4),
      endOnFailure: true,
    });
    expect(seen).toContain("billed");
    expect(seen).not.toContain("conflict");
  });
});

/** In the middle of things events may not be summed yet: then the records alone keep the law. */
async function expectTheLawOfSummedUsage({ tenants }: Day): Promise<void> {
  for (const tenant of tenants) {
    const { records, ...parts } = await booksOf(tenant);
    const sum = Object.values(parts).reduce((total, part) => total + BigInt(part), 0n);
    expect(`${sum}`).toBe(records);
  }
}
