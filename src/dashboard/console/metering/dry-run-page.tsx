import { callsOf, type WaitingRecord, whyOf } from "../../../metering/explain.ts";
import type { UsageReporting } from "../../../metering/reporting.ts";
import { Card } from "../../parts.tsx";
import type { DryRunRead } from "./read.ts";
import { amount, hourWords, recordAddress } from "./words.tsx";

/** Calls on a page: it stays small, however much waits. */
const CALLS = 8;

interface DryRunProps {
  readonly read: DryRunRead;
  /** How the tenant's marketplace is told; absent where it bills no usage. */
  readonly usage: Pick<UsageReporting, "most" | "mode"> | undefined;
  readonly part: number;
  /** Where to ask for it to be sent; absent for whoever may not. */
  readonly sendPath: string | undefined;
}

/** What would be sent of a tenant, call by call. Looking sends nothing. */
export function DryRunPage({ read, usage, part, sendPath }: DryRunProps) {
  const calls = usage === undefined ? [] : callsOf(read.waiting, usage.most);
  const first = (part - 1) * CALLS;
  return (
    <>
      <div class="heading">
        <p class="way-back">
          <a href={`/console/metering/${read.tenant}`}>← {read.name}, hour by hour</a>
        </p>
        <h1>Dry run</h1>
        <p>{sumOf(calls)}</p>
        {usage === undefined ? <p>{read.marketplace} bills no usage: nothing is ever sent to it.</p> : null}
        {usage?.mode === undefined ? null : (
          <p class="notice warn">
            Reporting is in {usage.mode} mode: nothing reaches {read.marketplace}.
          </p>
        )}
      </div>
      {calls.length === 0 || sendPath === undefined ? null : (
        <nav class="deeds" aria-label="What may be done">
          <a class="button" href={sendPath}>
            Send now
          </a>
        </nav>
      )}
      {calls.slice(first, first + CALLS).map((records, n) => (
        <Call key={records[0]?.hour.getTime()} number={first + n + 1} records={records} tenant={read.tenant} />
      ))}
      {calls.length <= CALLS ? null : <Parts tenant={read.tenant} count={calls.length} part={part} />}
    </>
  );
}

function sumOf(calls: readonly (readonly WaitingRecord[])[]): string {
  const records = calls.reduce((sum, call) => sum + call.length, 0);
  if (records === 0) return "Nothing would be sent.";
  return `${records} ${records === 1 ? "record" : "records"} would be sent, as they are, in ${
    calls.length === 1 ? "one call" : `${calls.length} calls`
  }; with records of other tenants a call fills up.`;
}

interface CallProps {
  readonly number: number;
  readonly records: readonly WaitingRecord[];
  readonly tenant: string;
}

function Call({ number, records, tenant }: CallProps) {
  return (
    <Card
      id={`call-${number}`}
      title={`Call ${number}: ${records.length} ${records.length === 1 ? "record" : "records"}`}
      intro={`Of the lot ${records[0]?.lot}.`}
    >
      <table class="stacked lines">
        <thead>
          <tr>
            <th scope="col">Hour</th>
            <th scope="col">Dimension</th>
            <th scope="col">Units</th>
            <th scope="col">Stamped</th>
            <th scope="col">Who pays</th>
            <th scope="col">Now</th>
          </tr>
        </thead>
        <tbody>
          {records.map((record) => (
            <tr key={`${record.hour.getTime()} ${record.dimension}`}>
              <th scope="row">
                <a href={recordAddress(tenant, record.hour, record.dimension)}>{hourWords(record.hour)}</a>
              </th>
              <td data-word="Dimension">{record.dimension}</td>
              <td data-word="Units">{amount(record.units ?? "0")}</td>
              <td data-word="Stamped">{record.stamped_at === null ? "not yet" : hourWords(record.stamped_at)}</td>
              <td class="long" data-word="Who pays">
                {record.billing_reference}
              </td>
              <td class="long" data-word="Now">
                {whyOf(record)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}

function Parts({ tenant, count, part }: { tenant: string; count: number; part: number }) {
  return (
    <nav class="ranges" aria-label="Calls">
      {Array.from({ length: Math.ceil(count / CALLS) }, (_, index) => index + 1).map((number) => (
        <a
          key={number}
          class="button"
          href={`/console/metering/${tenant}/dry-run?part=${number}`}
          aria-current={number === part ? "page" : undefined}
        >
          Calls {(number - 1) * CALLS + 1} and on
        </a>
      ))}
    </nav>
  );
}
