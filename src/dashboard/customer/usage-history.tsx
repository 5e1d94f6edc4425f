import { stringify } from "csv-stringify/sync";
import type { Dimension } from "../../catalog/catalog.ts";
import { type HistoryRange, type HistoryStep, type HourOfUsage, historyRanges } from "../../metering/history.ts";
import { assets } from "../assets.ts";
import { Card } from "../parts.tsx";
import { CustomerLayout } from "./customer-layout.tsx";
import type { CustomerView } from "./view.ts";

const rangeNames: Readonly<Record<HistoryRange, string>> = { "24h": "24 hours", "7d": "7 days", "30d": "30 days" };
const ranges = Object.keys(rangeNames).filter(isHistoryRange);

export function isHistoryRange(text: unknown): text is HistoryRange {
  return typeof text === "string" && Object.hasOwn(historyRanges, text);
}

interface HistoryProps {
  readonly view: CustomerView;
  readonly token: string;
  readonly range: HistoryRange;
  readonly steps: readonly HistoryStep[];
}

/** What was used over time, as pictures that can be read as tables. */
export function UsageHistoryPage({ view, token, range, steps }: HistoryProps) {
  return (
    <CustomerLayout title="Usage" view={view} token={token} head={<ChartAssets />}>
      <div class="heading">
        <p class="way-back">
          <a href="/dashboard">← Back to {view.tenant.name || view.product}</a>
        </p>
        <h1>Usage</h1>
        <RangeChoice range={range} />
      </div>
      {view.metered.map((dimension) => (
        <DimensionCard key={dimension.id} dimension={dimension} range={range} steps={steps} />
      ))}
    </CustomerLayout>
  );
}

function ChartAssets() {
  return (
    <>
      <link rel="stylesheet" href={assets.plotStyle.path} />
      <script src={assets.plot.path} defer />
      <script src={assets.chartScript.path} defer />
    </>
  );
}

function RangeChoice({ range }: { range: HistoryRange }) {
  return (
    <nav class="ranges" aria-label="Range">
      {ranges.map((one) => (
        <a
          key={one}
          class="button"
          href={`/dashboard/usage?range=${one}`}
          aria-current={one === range ? "page" : undefined}
        >
          {rangeNames[one]}
        </a>
      ))}
      <a href={`/dashboard/usage.csv?range=${range}`} download>
        CSV by the hour
      </a>
    </nav>
  );
}

interface DimensionProps {
  readonly dimension: Dimension;
  readonly range: HistoryRange;
  readonly steps: readonly HistoryStep[];
}

function DimensionCard({ dimension, range, steps }: DimensionProps) {
  const { id, name } = dimension;
  const total = steps.reduce((sum, { used }) => sum + (used[id] ?? 0), 0);
  const intro = `${total.toLocaleString("en-US")} in the last ${rangeNames[range]} (UTC).`;
  return (
    <Card id={`history-${id}`} title={name} intro={intro}>
      <div class="chart" id={`chart-${id}`} aria-hidden="true" />
      <details>
        <summary>As a table</summary>
        <table data-chart={`chart-${id}`}>
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col">{name}</th>
            </tr>
          </thead>
          <tbody>
            {steps.map(({ at, used }) => (
              <tr key={at.getTime()}>
                <th scope="row">
                  <time dateTime={at.toISOString()}>{at.toISOString().slice(0, 16).replace("T", " ")}</time>
                </th>
                <td data-value={used[id] ?? 0}>{(used[id] ?? 0).toLocaleString("en-US")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </Card>
  );
}

/** One line for each hour and dimension. What a spreadsheet would take for a formula is made harmless. */
export function usageCsv(hours: readonly HourOfUsage[]): string {
  const lines = hours.map(({ hour, dimension, quantity, state }) => [hour.toISOString(), dimension, quantity, state]);
  return stringify([["hour", "dimension", "quantity", "state"], ...lines], { escape_formulas: true });
}
