import type { Dimension } from "../../catalog/catalog.ts";
import type { Included } from "../../metering/history.ts";
import { Card } from "../parts.tsx";
import { Moment } from "../time.tsx";
import type { CustomerView } from "./view.ts";

const DAY_MS = 86_400_000;
/** A period that ends so late has no end that says anything. */
const LONGEST_MS = 5 * 366 * DAY_MS;
/** As metering marks it (`usage.soft_limit`). */
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
  const { month, used: all } = view.usage;
  const used = all[dimension.id] ?? 0;
  const limit = view.limits[dimension.id];
  const until = new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1));
  const included = view.included.filter((one) => one.dimension === dimension.id);
  const label = `usage-${dimension.id}`;
  return (
    <li>
      <h3 id={label}>
        {dimension.name} {limit === undefined ? <span>{said(used)}</span> : <Part used={used} of={limit} />}
      </h3>
      {limit === undefined ? null : <Measure label={label} used={used} of={limit} />}
      <Projection view={view} used={used} of={limit} from={month} until={until} end="the end of the month" />
      {included.map((one) => (
        <IncludedItem key={one.until.getTime()} view={view} label={label} included={one} />
      ))}
    </li>
  );
}

function IncludedItem({ view, label, included }: { view: CustomerView; label: string; included: Included }) {
  const { used, quantity, from, until } = included;
  const id = `${label}-${until.getTime()}`;
  const day = until.toISOString().slice(0, 10);
  return (
    <div class="included">
      <p id={id}>
        {said(used)} of {said(quantity)} included until {day}
        {used < quantity ? "" : "; what goes beyond is billed by use"}. <Reached used={used} of={quantity} />
      </p>
      <Measure label={id} used={used} of={quantity} />
      <Projection view={view} used={used} of={quantity} from={from} until={until} end={day} />
    </div>
  );
}

function Part({ used, of }: { used: number; of: number }) {
  return (
    <span>
      <Reached used={used} of={of} /> {said(used)} of {said(of)}
    </span>
  );
}

/** The mark that is passed, in words: colour alone says nothing to some. */
function Reached({ used, of }: { used: number; of: number }) {
  if (used === 0 || used < of * SOFT) return null;
  const all = used >= of;
  return <strong class={`badge ${all ? "bad" : "wait"}`}>{all ? "100 % reached" : "80 % reached"}</strong>;
}

/** A bar that ends at the limit, with its marks underneath. */
function Measure({ label, used, of }: { label: string; used: number; of: number }) {
  return (
    <>
      <meter aria-labelledby={label} min={0} max={Math.max(of, 1)} high={of * SOFT} optimum={0} value={used}>
        {said(used)} of {said(of)}
      </meter>
      <p class="marks" aria-hidden="true">
        <span>80 %</span>
        <span>100 %</span>
      </p>
    </>
  );
}

interface ProjectionProps {
  readonly view: CustomerView;
  readonly used: number;
  readonly of: number | undefined;
  readonly from: Date;
  readonly until: Date;
  readonly end: string;
}

/** The use of the period if it goes on as it did since the period, or the tenant, began; of less than a day nothing is said. */
function Projection({ view: { now, tenant }, used, of, from, until, end }: ProjectionProps) {
  const begin = Math.max(from.getTime(), tenant.createdAt.getTime());
  if (used === 0 || until.getTime() - begin > LONGEST_MS) return null;
  const passed = now.getTime() - begin;
  if (passed < DAY_MS) return <p class="quiet">What it will be by {end} is said after a day of use.</p>;
  const projected = Math.round((used * (until.getTime() - begin)) / passed);
  return (
    <p class="quiet">
      At this rate {said(projected)} by {end}
      {of !== undefined && projected > of ? ", which is more than the plan includes" : ""}.
    </p>
  );
}

function said(quantity: number): string {
  return quantity.toLocaleString("en-US", { maximumFractionDigits: 2 });
}
