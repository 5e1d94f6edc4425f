import { HOUR } from "./support/clock.ts";
import { send, settle } from "./support/usage.ts";
import { enterStage, leaveStage, type Stage, type Visitor } from "./support/visitor.ts";

describe("usage over time on the dashboard", () => {
  let stage: Stage;
  let customer: Visitor;

  beforeAll(async () => {
    stage = await enterStage();
    const { tenant } = await stage.customer();
    const other = await stage.customer();
    const event = (id: string, tenant: string, time: string, quantity: number | string) => {
      return { id, tenant, dimension: "requests", quantity, time };
    };
    const { id } = tenant;
    await send(
      stage.shop,
      event("a", id, "2026-02-28T23:10:00Z", 40),
      event("b", id, "2026-03-01T11:10:00Z", "1.5"),
      event("c", id, "2026-03-01T11:50:00Z", 2),
      event("d", id, "2026-03-01T12:01:00Z", 7),
      event("e", other.tenant.id, "2026-03-01T11:05:00Z", 1_000),
    );
    await settle(stage.shop);
    stage.shop.clock.advance(2 * HOUR);
    await settle(stage.shop);
    customer = await stage.visit(tenant);
  });
  afterAll(leaveStage);

  const cellsOf = (text: string, table: string): number[] => {
    const part = text.slice(text.indexOf(`data-chart="chart-${table}"`));
    const body = part.slice(0, part.indexOf("</table>"));
    return [...body.matchAll(/data-value="([\d.]+)"/g)].map(([, value]) => Number(value));
  };

  test("each hour of the last day is a row, without gaps, and nobody else's usage is in it", async () => {
    const { text } = await customer.get("/dashboard/usage?range=24h");
    const cells = cellsOf(text, "requests");
    expect(cells).toHaveLength(24);
    expect(cells.slice(-4)).toEqual([3.5, 7, 0, 0]);
    expect(cells.reduce((sum, one) => sum + one)).toBe(50.5);
  });

  test.each([
    ["7d", 28],
    ["30d", 30],
  ])("%s is shown in %d steps with the same sum", async (range, steps) => {
    const { text } = await customer.get(`/dashboard/usage?range=${range}`);
    const cells = cellsOf(text, "requests");
    expect(cells).toHaveLength(steps);
    expect(cells.reduce((sum, one) => sum + one)).toBe(50.5);
  });

  test("the file has a line for each hour with usage, exact and with its state", async () => {
    const { text, headers } = await customer.get("/dashboard/usage.csv?range=24h");
    expect(headers["content-disposition"]).toBe("attachment; filename=usage-24h.csv");
    expect(text.trim().split("\n")).toEqual([
      "hour,dimension,quantity,state",
      "2026-02-28T23:00:00.000Z,requests,40,sealed",
      "2026-03-01T11:00:00.000Z,requests,3.5,sealed",
      "2026-03-01T12:00:00.000Z,requests,7,sealed",
    ]);
  });

  test("another range is refused", async () => {
    expect((await customer.get("/dashboard/usage?range=1y")).status).toBe(400);
  });

  test("the overview leads there", async () => {
    expect((await customer.get("/dashboard")).text).toContain('href="/dashboard/usage"');
  });
});
