import { Card } from "../../parts.tsx";
import { Moment } from "../../time.tsx";
import { moneyOf } from "../money.ts";
import type { Revenue, RevenueLine } from "./read.ts";

interface RevenueProps {
  readonly revenue: Revenue;
  readonly now: Date;
  readonly currency: string;
}

/** What purchases come to, by marketplace and plan. */
export function RevenuePage({ revenue, now, currency }: RevenueProps) {
  const { countedAt, lines } = revenue;
  return (
    <>
      <div class="heading">
        <h1>Revenue</h1>
        <p class="notice warn">
          <strong>An estimate: the marketplace pays.</strong> Prices are those of the manifest, in {currency}, before
          the marketplace's share, private offers, discounts and taxes.
        </p>
        <p class="quiet">
          {countedAt === null ? (
            "Nothing has been counted yet: a worker does so within a minute, and then every hour."
          ) : (
            <>
              As of <Moment at={new Date(countedAt)} now={now} />.
            </>
          )}
        </p>
      </div>
      {lines.length === 0 ? null : <Lines revenue={revenue} currency={currency} />}
      {revenue.days.length < 2 ? null : <Days days={revenue.days} currency={currency} />}
    </>
  );
}

const titles = [
  "Marketplace",
  "Plan",
  "Active",
  "On trial",
  "Recurring a month",
  "Metered this month",
  "Ending in 90 days",
  "Ended in 30 days",
] as const;

function Lines({ revenue: { lines, through }, currency }: Omit<RevenueProps, "now">) {
  const sum = (of: (line: RevenueLine) => number | undefined) =>
    lines.reduce((total, line) => total + (of(line) ?? 0), 0);
  return (
    <Card
      id="plans"
      title="By marketplace and plan"
      intro={`Metered is what was counted in this month${through === null ? "" : ` until ${through.slice(0, 16).replace("T", " ")}`}, times the price of its dimension, before what a plan includes.`}
    >
      <table class="stacked lines many">
        <thead>
          <tr>
            {titles.map((title) => (
              <th scope="col" key={title}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lines.map((line) => (
            <tr key={`${line.marketplace} ${line.plan}`}>
              <th scope="row">{line.marketplace}</th>
              <td data-word="Plan">
                <a href={`/console/tenants?${new URLSearchParams({ marketplace: line.marketplace, plan: line.plan })}`}>
                  {line.plan}
                </a>
              </td>
              <Cells line={line} currency={currency} />
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">All</th>
            <td data-word="Plan">all</td>
            <Cells
              currency={currency}
              line={{
                active: sum(({ active }) => active),
                trials: sum(({ trials }) => trials),
                recurring: sum(({ recurring }) => recurring),
                metered: lines.some(({ metered }) => metered !== undefined) ? sum(({ metered }) => metered) : undefined,
                ending: sum(({ ending }) => ending),
                ended: sum(({ ended }) => ended),
              }}
            />
          </tr>
        </tfoot>
      </table>
      <p>
        <a href="/console/revenue/export.csv" download>
          CSV
        </a>
      </p>
    </Card>
  );
}

function Cells({ line, currency }: { line: Omit<RevenueLine, "marketplace" | "plan">; currency: string }) {
  const count = (number: number) => number.toLocaleString("en-US");
  const money = (cents: number | undefined) => (cents === undefined ? "no price" : moneyOf(cents, currency));
  return (
    <>
      <td data-word="Active">{count(line.active)}</td>
      <td data-word="On trial">{count(line.trials)}</td>
      <td data-word="Recurring a month">
        <strong>{money(line.recurring)}</strong>
      </td>
      <td data-word="Metered this month">{money(line.metered)}</td>
      <td data-word="Ending in 90 days">{count(line.ending)}</td>
      <td data-word="Ended in 30 days">{count(line.ended)}</td>
    </>
  );
}

function Days({ days, currency }: Pick<Revenue, "days"> & { readonly currency: string }) {
  return (
    <Card
      id="days"
      title="Recurring a month, by day"
      intro={`As counted last on each of the past 90 days (UTC), in ${currency} at today's prices.`}
    >
      <div class="chart" id="chart-recurring" aria-hidden="true" />
      <details>
        <summary>As a table</summary>
        <table data-chart="chart-recurring">
          <thead>
            <tr>
              <th scope="col">Day</th>
              <th scope="col">Recurring a month</th>
            </tr>
          </thead>
          <tbody>
            {days.map(({ day, recurring }) => (
              <tr key={day}>
                <th scope="row">
                  <time dateTime={day}>{day.slice(0, 10)}</time>
                </th>
                <td data-value={recurring / 100}>{moneyOf(recurring, currency)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </Card>
  );
}
