import type { Dimension } from "../../catalog/catalog.ts";
import type { Included } from "../../metering/history.ts";
import { Card } from "../parts.tsx";
import { Moment } from "../time.tsx";
import type { CustomerView } from "./view.ts";

const DAY_MS = 86_400_000;
const SOFT = 0.8;
const monthName = new Intl.DateTimeFormat("en-GB", { month: "long", year: "numeric", timeZone: "UTC" });

/** What was used this month of what the plan includes; nothing is refused beyond it, so this is where it shows. */
export function UsageCard({ view }: { view: CustomerView }) {
  const { metered, usage } = view;
  if (metered.length === 0) return null;
  return (
    <Card id="usage" title="Usage" intro={`In ${monthName.format(usage.month)} so far (UTC).`}>
      <ul class="usage">
        {metered.map((dimension) => (
          <UsageItem key={dimension.id} dimension={dimension} view={view} />
        ))}
      </ul>
      <p>
        <a href="/dashboard/usage">Usage over time</a>
      </p>
      <p class="quiet">
        {usage.updatedAt === null ? (
          "Nothing has been counted yet."
        ) : (
          <>
            Counted up to <Moment at={usage.updatedAt} now={view.now} />
          </>
        )}
      </p>
    </Card>
  );
}

function UsageItem({ dimension, view }: { dimension: Dimension; view: CustomerView }) {
  const used = view.usage.used[dimension.id] ?? 0;
  const limit = view.limits[dimension.id];
  const projected = projectionOf(view, used);
  const label = `usage-${dimension.id}`;
  return (
    <li>
      <h3 id={label}>
        {dimension.name} <span>{limit === undefined ? said(used) : `${said(used)} of ${said(limit)}`}</span>
      </h3>
      {limit === undefined ? null : (
        <meter aria-labelledby={label} min={0} max={Math.max(limit, 1)} high={limit * SOFT} optimum={0} value={used}>
          {said(used)} of {said(limit)}
        </meter>
      )}
      {view.included
        .filter((included) => included.dimension === dimension.id)
        .map((included) => (
          <IncludedLine key={included.until.getTime()} included={included} />
        ))}
      {projected === undefined ? null : (
        <p class="quiet">
          At this rate {said(projected)} by the end of the month
          {limit !== undefined && projected > limit ? ", which is more than the plan includes" : ""}.
        </p>
      )}
    </li>
  );
}

function IncludedLine({ included: { used, quantity, until } }: { included: Included }) {
  return (
    <p>
      {said(used)} of {said(quantity)} included until {until.toISOString().slice(0, 10)}
      {used < quantity ? "" : "; what goes beyond is billed by use"}.
    </p>
  );
}

/** The month's use if it goes on as it did since the month, or the tenant, began; a day at least says something. */
function projectionOf({ now, usage, tenant }: CustomerView, used: number): number | undefined {
  const begin = Math.max(usage.month.getTime(), tenant.createdAt.getTime());
  const end = Date.UTC(usage.month.getUTCFullYear(), usage.month.getUTCMonth() + 1);
  const passed = now.getTime() - begin;
  return used === 0 || passed < DAY_MS ? undefined : Math.round((used * (end - begin)) / passed);
}

function said(quantity: number): string {
  return quantity.toLocaleString("en-US", { maximumFractionDigits: 2 });
}
