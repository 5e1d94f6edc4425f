import { type Catalog, currencyOf } from "../../../catalog/catalog.ts";
import type { Fault } from "../../../errors.ts";
import { type BilledDifference, differenceWords, type Reconciled } from "../../../metering/differences.ts";
import { TOKEN_FIELD } from "../../own-forms.ts";
import { Card } from "../../parts.tsx";
import { moneyOf, priceOf } from "../money.ts";

/** Differences on the page, and faults; a file holds all. */
const SHOWN = 200;
const FAULTS = 50;

export interface ReconcileProps {
  readonly catalog: Catalog;
  readonly token: string;
  /** A marketplace that writes a report is set up. */
  readonly available: boolean;
  readonly faults?: readonly Fault[];
  readonly outcome?: Reconciled;
}

/** The form, and what came of it. */
export function ReconcilePage({ catalog, token, available, faults, outcome }: ReconcileProps) {
  return (
    <>
      <div class="heading">
        <p class="way-back">
          <a href="/console/metering">← Metering</a>
        </p>
        <h1>Reconcile</h1>
        <p>
          Compares what we billed with what the seller's report says. Nothing is changed, and nothing of it is kept.
        </p>
      </div>
      <div id="notice" role="alert" />
      {faults === undefined ? null : <Faults faults={faults} />}
      {outcome === undefined ? null : <Outcome outcome={outcome} catalog={catalog} />}
      {available ? <Upload token={token} /> : <p>No marketplace that is set up here writes a billing report.</p>}
    </>
  );
}

function Faults({ faults }: { faults: readonly Fault[] }) {
  return (
    <section class="notice bad" role="alert">
      <p>
        <strong>Nothing was compared.</strong>
      </p>
      <ul>
        {faults.slice(0, FAULTS).map(({ at, message }) => (
          <li key={`${at} ${message}`}>{at === "" ? message : `${at}: ${message}`}</li>
        ))}
      </ul>
      {faults.length > FAULTS ? (
        <p>
          These are the first {FAULTS} of {faults.length.toLocaleString("en-US")}.
        </p>
      ) : null}
    </section>
  );
}

function Outcome({ outcome, catalog }: { outcome: Reconciled; catalog: Catalog }) {
  const { from, until, records, differences } = outcome;
  const largest = [...differences].sort((one, other) => sizeOf(other) - sizeOf(one)).slice(0, SHOWN);
  return (
    <Card
      id="differences"
      title={differences.length === 0 ? "No difference" : `Differences: ${differences.length.toLocaleString("en-US")}`}
      intro={`${day(from)} to ${day(until)}, ${records.toLocaleString("en-US")} records of ours.`}
    >
      {differences.length === 0 ? null : (
        <>
          <Money differences={differences} catalog={catalog} />
          <Table differences={largest} catalog={catalog} />
        </>
      )}
      {differences.length > SHOWN ? (
        <p>These are the {SHOWN} largest. “Compare, as a CSV file” gives all of them: choose the report once more.</p>
      ) : null}
    </Card>
  );
}

const sizeOf = ({ ours, theirs }: BilledDifference): number => Math.abs(theirs - ours);
const day = (at: Date): string => at.toISOString().slice(0, 16).replace("T", " ");
const signed = (number: number): string => `${number > 0 ? "+" : ""}${number.toLocaleString("en-US")}`;

interface Compared {
  readonly differences: readonly BilledDifference[];
  readonly catalog: Catalog;
}

/** More billed than ours is one thing, less another: they are not set off against each other. */
function Money({ differences, catalog }: Compared) {
  const priced = differences.flatMap(({ dimension, ours, theirs }) => priceOf(catalog, dimension, theirs - ours) ?? []);
  const more = priced.filter((cents) => cents > 0).reduce((sum, cents) => sum + cents, 0);
  const less = priced.filter((cents) => cents < 0).reduce((sum, cents) => sum + cents, 0);
  const money = (cents: number) => moneyOf(cents, currencyOf(catalog));
  if (priced.length === 0) return <p class="quiet">The manifest names no price of these dimensions.</p>;
  return (
    <p>
      At the manifest's prices they bill {money(more)} that we do not have, and {money(Math.abs(less))} of ours is
      missing there
      {priced.length < differences.length ? "; differences without a price are not in it" : ""}.
    </p>
  );
}

function Table({ differences, catalog }: Compared) {
  return (
    <table class="stacked lines">
      <thead>
        <tr>
          {["Who pays", "Dimension", "Period", "Ours", "Theirs", "Difference", "Money", "What"].map((word) => (
            <th scope="col" key={word}>
              {word}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {differences.map((one) => (
          <Line key={JSON.stringify(one)} one={one} catalog={catalog} />
        ))}
      </tbody>
    </table>
  );
}

function Line({ one, catalog }: { one: BilledDifference; catalog: Catalog }) {
  const { kind, payer, dimension, from, until, ours, theirs, at } = one;
  const cents = priceOf(catalog, dimension, theirs - ours);
  return (
    <tr>
      <th scope="row">{payer.id}</th>
      <td data-word="Dimension">{dimension}</td>
      <td data-word="Period">
        {day(from)} to {day(until)}
      </td>
      <td data-word="Ours">{ours.toLocaleString("en-US")}</td>
      <td data-word="Theirs">{theirs.toLocaleString("en-US")}</td>
      <td data-word="Difference">
        <strong>{signed(theirs - ours)}</strong>
      </td>
      <td data-word="Money">{cents === undefined ? "no price" : moneyOf(cents, currencyOf(catalog))}</td>
      <td data-word="What">
        {differenceWords[kind]}
        {at === "" ? null : <span class="quiet"> ({at})</span>}
      </td>
    </tr>
  );
}

const ACTION = "/console/metering/reconcile";

function Upload({ token }: { token: string }) {
  return (
    <Card id="upload" title="Choose the files" intro="CSV as the marketplace writes it, 20 MB at most together.">
      <form method="post" action={`${ACTION}/compared`} enctype="multipart/form-data" class="contact">
        <input type="hidden" name={TOKEN_FIELD} value={token} />
        <File name="report" title="Billing report" means="The seller's report, CSV." accept=".csv,text/csv" />
        <File
          name="mapping"
          title="Mapping"
          means="JSON that says which column is which; without it the usual names count."
          accept=".json,application/json"
        />
        <File
          name="cloudtrail"
          title="Call log"
          means="An export of CloudTrail, JSON: every call that was made, hour by hour."
          accept=".json,application/json"
        />
        <div class="deeds">
          <button
            type="submit"
            class="main"
            hx-post={`${ACTION}/compared`}
            hx-encoding="multipart/form-data"
            hx-target="body"
            hx-indicator="#progress"
            hx-disabled-elt="this"
          >
            Compare
          </button>
          <button type="submit" formaction={`${ACTION}/differences`}>
            Compare, as a CSV file
          </button>
        </div>
        <p class="quiet">A report of 20 MB takes up to a minute; the page comes when all of it has been compared.</p>
        <p class="progress" id="progress" role="status">
          Comparing…
        </p>
      </form>
    </Card>
  );
}

interface FileProps {
  readonly name: string;
  readonly title: string;
  readonly means: string;
  readonly accept: string;
}

function File({ name, title, means, accept }: FileProps) {
  return (
    <label>
      {title}
      <input type="file" name={name} accept={accept} aria-describedby={`${name}-means`} />
      <span class="quiet" id={`${name}-means`}>
        {means}
      </span>
    </label>
  );
}
