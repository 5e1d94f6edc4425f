import type { Catalog } from "../../../catalog/catalog.ts";
import { howEnded } from "../../../metering/explain.ts";
import { Card } from "../../parts.tsx";
import { fromNow, Moment } from "../../time.tsx";
import { monthEnd } from "./month-end.ts";
import { cursorAt, LISTED_DAYS, MOST_SUMMED, type Overview, type RecordLine } from "./read.ts";
import { amount, hourWords, RecordState, recordAddress } from "./words.tsx";

interface OverviewProps {
  readonly overview: Overview;
  readonly now: Date;
  readonly catalog: Catalog;
  /** A marketplace that closes a month is in force. */
  readonly closesMonths: boolean;
  readonly limit: number;
  /** The cursors of this page's lists. */
  readonly at: { readonly after?: string | undefined; readonly before?: string | undefined };
}

/** What waits, what was lost, and how long there is. */
export function OverviewPage(props: OverviewProps) {
  const { overview, now, catalog, closesMonths } = props;
  return (
    <>
      <div class="heading">
        <h1>Metering</h1>
        <p>
          <a href="/console/metering/reconcile">Reconcile with the seller's report</a>
        </p>
      </div>
      {closesMonths ? <MonthEnd now={now} late={overview.of_last_month} /> : null}
      <Card id="units" title="Units on their way">
        <dl class="terms">
          <Sum
            word="Waiting"
            units={overview.waiting_units}
            full={overview.waiting_records >= MOST_SUMMED}
            catalog={catalog}
          />
          <Sum
            word="Carried to a later hour"
            units={overview.carried_units}
            full={overview.carried_records >= MOST_SUMMED}
            catalog={catalog}
          />
        </dl>
        <p class="quiet">
          Carried counts balances of a whole unit and more. {unfixedWords(overview.unfixed)} Hours that are still open
          count nowhere here.
        </p>
      </Card>
      <Waiting {...props} />
      <Ended {...props} />
    </>
  );
}

function unfixedWords(count: number): string {
  if (count === 0) return "Every sealed record is frozen.";
  return `${counted(count)} sealed, and who pays is not known yet: without a deadline, they are not in the list.`;
}

const counted = (count: number): string => {
  if (count >= 1_000) return "1,000 records or more are";
  return count === 1 ? "1 record is" : `${count} records are`;
};

function MonthEnd({ now, late }: { now: Date; late: number }) {
  const { month, end, last } = monthEnd(now);
  return (
    <section class={`status ${last && late > 0 ? "bad" : "good"}`} aria-label="End of the month">
      <p>
        <strong class="badge">Month end</strong> AWS Marketplace closes {month} <Moment at={end} now={now} />.{" "}
        {late === 0 ? "No record of an earlier month waits." : `${counted(late)} of an earlier month and waiting.`}
      </p>
    </section>
  );
}

interface SumProps {
  readonly word: string;
  readonly units: Readonly<Record<string, string>>;
  readonly full: boolean;
  readonly catalog: Catalog;
}

function Sum({ word, units, full, catalog }: SumProps) {
  const parts = Object.entries(units).map(([dimension, sum]) => `${amount(sum)} ${nameOf(catalog, dimension)}`);
  const said = parts.length === 0 ? "nothing" : parts.join(", ");
  return (
    <div>
      <dt>{word}</dt>
      <dd>{full ? `${said}, in the ${MOST_SUMMED.toLocaleString("en-US")} looked at; there are more` : said}</dd>
    </div>
  );
}

const nameOf = ({ dimensions }: Catalog, id: string): string => dimensions.find((one) => one.id === id)?.name ?? id;

function Waiting({ overview, now, limit, at }: OverviewProps) {
  const lines = overview.waiting.slice(0, limit);
  return (
    <Card id="waiting" title="Waiting for their marketplace" intro="The one with the least time left comes first.">
      {lines.length === 0 ? (
        <p>{at.after === undefined ? "Nothing waits." : "Nothing more waits."}</p>
      ) : (
        <table class="stacked lines">
          <Head words={["Tenant", "Hour", "Dimension", "Quantity", "State", "Attempts", "Time left"]} />
          <tbody>
            {lines.map((line) => (
              <tr key={cursorAt(line)}>
                <Common line={line} />
                <td data-word="State">
                  <RecordState state={line.state} />
                </td>
                <td data-word="Attempts">{line.attempts}</td>
                <td data-word="Time left">{leftOf(line, now)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <Pages name="after" lines={overview.waiting} limit={limit} at={at} to="waiting" />
    </Card>
  );
}

function leftOf({ at }: RecordLine, now: Date): string {
  const end = new Date(at);
  return `${end > now ? "ends" : "ended"} ${fromNow(end, now)}`;
}

function Ended({ overview, now, limit, at }: OverviewProps) {
  const lines = overview.ended.slice(0, limit);
  return (
    <Card
      id="ended"
      title="Refused, expired or lost"
      intro={`In the last ${LISTED_DAYS} days. What was carried on is billed in a later hour; the rest is billed nowhere.`}
    >
      {lines.length === 0 ? (
        <p>{at.before === undefined ? "None." : "None that are older."}</p>
      ) : (
        <table class="stacked lines">
          <Head words={["Tenant", "Hour", "Dimension", "Quantity", "State", "When", "Reason"]} />
          <tbody>
            {lines.map((line) => (
              <tr key={cursorAt(line)}>
                <Common line={line} />
                <td data-word="State">
                  <RecordState state={line.state} />{" "}
                  {line.verdict === "carried_over" ? "carried on" : <strong>lost</strong>}
                </td>
                <td data-word="When">
                  <Moment at={new Date(line.at)} now={now} />
                </td>
                <td data-word="Reason">{howEnded(line.verdict ?? line.state, line.message)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <Pages name="before" lines={overview.ended} limit={limit} at={at} to="ended" />
    </Card>
  );
}

function Head({ words }: { words: readonly string[] }) {
  return (
    <thead>
      <tr>
        {words.map((word) => (
          <th scope="col" key={word}>
            {word}
          </th>
        ))}
      </tr>
    </thead>
  );
}

function Common({ line: { tenant, name, marketplace, hour, dimension, quantity } }: { line: RecordLine }) {
  const at = new Date(hour);
  return (
    <>
      <th scope="row">
        <a href={`/console/tenants/${tenant}`}>{name}</a> <span class="quiet">{marketplace}</span>
      </th>
      <td data-word="Hour">
        <a href={recordAddress(tenant, at, dimension)}>{hourWords(at)}</a>
      </td>
      <td data-word="Dimension">{dimension}</td>
      <td data-word="Quantity">{amount(quantity)}</td>
    </>
  );
}

interface PagesProps {
  readonly name: "after" | "before";
  readonly lines: readonly RecordLine[];
  readonly limit: number;
  readonly at: OverviewProps["at"];
  readonly to: string;
}

/** On to the next lines of one list; the other stays where it is. */
function Pages({ name, lines, limit, at, to }: PagesProps) {
  const last = lines.length > limit ? lines[limit - 1] : undefined;
  return (
    <nav class="deeds" aria-label={`Pages of ${to}`}>
      {at[name] === undefined ? null : <a href={addressOf({ ...at, [name]: undefined }, to)}>First page</a>}
      {last === undefined ? null : (
        <a class="button" rel="next" href={addressOf({ ...at, [name]: cursorAt(last) }, to)}>
          Next page
        </a>
      )}
    </nav>
  );
}

function addressOf(at: OverviewProps["at"], to: string): string {
  const given = Object.entries(at).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const query = new URLSearchParams(given).toString();
  return `/console/metering${query === "" ? "" : `?${query}`}#${to}`;
}
