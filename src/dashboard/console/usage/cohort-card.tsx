import { Card } from "../../parts.tsx";
import { type Cohort, cohortMonths } from "./read.ts";

interface CohortProps {
  readonly months: readonly Cohort[];
  readonly countedAt: string | null;
  readonly now: Date;
}

/** How many of each month's purchases are still there: the bars are those that are. */
export function CohortCard({ months, countedAt, now }: CohortProps) {
  const found = new Map(months.map((one) => [Date.parse(one.month), one]));
  const as = countedAt === null ? "not counted yet" : `as of ${countedAt.slice(0, 16).replace("T", " ")}`;
  return (
    <Card
      id="cohorts"
      title="Purchases by month"
      intro={`How many of each month's purchases are still active or suspended, ${as}.`}
    >
      <div class="chart" id="chart-cohorts" aria-hidden="true" />
      <table class="stacked lines" data-chart="chart-cohorts">
        <thead>
          <tr>
            <th scope="col">Month</th>
            <th scope="col">Still there</th>
            <th scope="col">Bought</th>
            <th scope="col">Share</th>
          </tr>
        </thead>
        <tbody>
          {cohortMonths(now).map((at) => {
            const { bought, active } = found.get(at.getTime()) ?? { bought: 0, active: 0 };
            return (
              <tr key={at.getTime()}>
                <th scope="row">
                  <time dateTime={at.toISOString()}>{at.toISOString().slice(0, 7)}</time>
                </th>
                <td data-word="Still there" data-value={active}>
                  {active.toLocaleString("en-US")}
                </td>
                <td data-word="Bought">{bought.toLocaleString("en-US")}</td>
                <td data-word="Share">{bought === 0 ? "none" : `${Math.round((100 * active) / bought)} %`}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Card>
  );
}
