import type { Catalog } from "../../../catalog/catalog.ts";
import type { ExplainedRecord } from "../../../metering/explain.ts";
import { Card } from "../../parts.tsx";
import { CarryCard } from "./carry-card.tsx";
import type { UsageRead } from "./read.ts";
import { amount, dayAddress, RecordState, recordAddress } from "./words.tsx";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Dimensions beside each other: a page stays small, however many a product has. */
export const COLUMNS = 10;

interface DayProps {
  readonly read: UsageRead;
  readonly day: Date;
  readonly catalog: Catalog;
  /** Which columns are shown, from 1. */
  readonly part: number;
  /** Where to ask for what waits to be sent; absent for whoever may not. */
  readonly sendPath: string | undefined;
  readonly notice: string | undefined;
}

/** One day of a tenant: hours down, dimensions across. */
export function DayPage({ read, day, catalog, part, sendPath, notice }: DayProps) {
  const used = [...new Set(read.records.map(({ dimension }) => dimension))].sort();
  const dimensions = used.slice((part - 1) * COLUMNS, part * COLUMNS);
  return (
    <>
      <div class="heading">
        <p class="way-back">
          <a href={`/console/tenants/${read.tenant}`}>← {read.name}</a>
        </p>
        <h1>Usage on {day.toISOString().slice(0, 10)}</h1>
      </div>
      {notice === undefined ? null : (
        <p class="notice" role="status">
          {notice}
        </p>
      )}
      <nav class="deeds" aria-label="What waits">
        <a class="button" href={`/console/metering/${read.tenant}/dry-run`}>
          Dry run
        </a>
        {sendPath === undefined ? null : (
          <a class="button" href={sendPath}>
            Send now
          </a>
        )}
      </nav>
      <Days tenant={read.tenant} day={day} now={read.now} />
      <Card id="hours" title="Hours" intro="Hours are UTC. Each cell leads to all that is known of its record.">
        {dimensions.length === 0 ? (
          <p>Nothing was counted on this day.</p>
        ) : (
          <Grid read={read} day={day} dimensions={dimensions} catalog={catalog} />
        )}
        {used.length <= COLUMNS ? null : (
          <Parts tenant={read.tenant} day={day} parts={Math.ceil(used.length / COLUMNS)} part={part} />
        )}
      </Card>
      <CarryCard carries={read.carries} />
    </>
  );
}

function Days({ tenant, day, now }: { tenant: string; day: Date; now: Date }) {
  const [before, after] = [new Date(day.getTime() - DAY_MS), new Date(day.getTime() + DAY_MS)];
  return (
    <nav class="deeds" aria-label="Days">
      <a class="button" href={dayAddress(tenant, before)} rel="prev">
        Previous day
      </a>
      {after > now ? null : (
        <a class="button" href={dayAddress(tenant, after)} rel="next">
          Next day
        </a>
      )}
      <a href={`/console/metering/${tenant}`}>Today</a>
    </nav>
  );
}

function Parts({ tenant, day, parts, part }: { tenant: string; day: Date; parts: number; part: number }) {
  return (
    <nav class="ranges" aria-label="Dimensions">
      {Array.from({ length: parts }, (_, index) => index + 1).map((number) => (
        <a
          key={number}
          class="button"
          href={`${dayAddress(tenant, day)}&part=${number}`}
          aria-current={number === part ? "page" : undefined}
        >
          Dimensions {(number - 1) * COLUMNS + 1} and on
        </a>
      ))}
    </nav>
  );
}

interface GridProps {
  readonly read: UsageRead;
  readonly day: Date;
  readonly dimensions: readonly string[];
  readonly catalog: Catalog;
}

function Grid({ read, day, dimensions, catalog }: GridProps) {
  const found = new Map(read.records.map((record) => [`${record.hour.getTime()} ${record.dimension}`, record]));
  const hours = Array.from({ length: 24 }, (_, hour) => new Date(day.getTime() + hour * HOUR_MS));
  const nameOf = (id: string) => catalog.dimensions.find((one) => one.id === id)?.name ?? id;
  return (
    <table class="stacked lines">
      <thead>
        <tr>
          <th scope="col">Hour</th>
          {dimensions.map((dimension) => (
            <th scope="col" key={dimension}>
              {nameOf(dimension)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {hours.map((hour) => (
          <tr key={hour.getTime()}>
            <th scope="row">{hour.toISOString().slice(11, 16)}</th>
            {dimensions.map((dimension) => (
              <td key={dimension} data-word={nameOf(dimension)}>
                <Cell tenant={read.tenant} record={found.get(`${hour.getTime()} ${dimension}`)} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">Total</th>
          {dimensions.map((dimension) => (
            <td key={dimension} data-word={nameOf(dimension)}>
              <strong>{totalOf(read.records, dimension)}</strong>
            </td>
          ))}
        </tr>
      </tfoot>
    </table>
  );
}

function Cell({ tenant, record }: { tenant: string; record: ExplainedRecord | undefined }) {
  if (record === undefined) return <span class="quiet">none</span>;
  return (
    <>
      <a href={recordAddress(tenant, record.hour, record.dimension)}>{amount(record.quantity)}</a>{" "}
      <RecordState state={record.state} />
    </>
  );
}

function totalOf(records: readonly ExplainedRecord[], dimension: string): string {
  const sum = records.reduce((total, one) => (one.dimension === dimension ? total + Number(one.quantity) : total), 0);
  return sum.toLocaleString("en-US", { maximumFractionDigits: 6 });
}
