import { type ExplainedRecord, whyOf } from "../../../metering/explain.ts";
import { Card } from "../../parts.tsx";
import { Moment } from "../../time.tsx";
import { CarryCard } from "./carry-card.tsx";
import type { Attempt, UsageRead } from "./read.ts";
import { amount, dayAddress, hourWords, RecordState } from "./words.tsx";

/** Everything about one record. */
export function RecordPage({ read, record }: { read: UsageRead; record: ExplainedRecord }) {
  const day = new Date(`${record.hour.toISOString().slice(0, 10)}T00:00:00Z`);
  return (
    <>
      <div class="heading">
        <p class="way-back">
          <a href={dayAddress(read.tenant, day)}>← {read.name}, that day</a>
        </p>
        <h1>
          {record.dimension}, {hourWords(record.hour)}
        </h1>
        <p>
          <RecordState state={record.state} /> {whyOf(record)}
        </p>
      </div>
      <div class="columns">
        <Card id="quantity" title="Quantity" intro="Carried in + counted = included + units + carried out.">
          <Terms terms={quantitiesOf(record)} />
        </Card>
        <Card id="sending" title="Sending">
          <Terms terms={sendingOf(record)} />
        </Card>
      </div>
      <Attempts attempts={read.attempts} all={record.attempts} now={read.now} />
      <CarryCard carries={read.carries} />
    </>
  );
}

type Term = readonly [string, string];

function Terms({ terms }: { terms: readonly Term[] }) {
  return (
    <dl class="terms">
      {terms.map(([word, text]) => (
        <div key={word}>
          <dt>{word}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}

function quantitiesOf({ quantity, carried_in, included, units, carried_out }: ExplainedRecord): readonly Term[] {
  const fixed = (value: string | null) => (value === null ? "not frozen yet" : amount(value));
  return [
    ["Carried in", fixed(carried_in)],
    ["Counted", amount(quantity)],
    ["Included", fixed(included)],
    ["Units", fixed(units)],
    ["Carried out", fixed(carried_out)],
  ];
}

function sendingOf(record: ExplainedRecord): readonly Term[] {
  const moment = (at: Date | null) => (at === null ? "none" : `${hourWords(at)} UTC`);
  return [
    ["Who pays", record.billing_reference ?? "nobody yet"],
    ["Stamped", moment(record.stamped_at)],
    ["Next try", moment(record.due_at)],
    ["Taken until", moment(record.expires_at)],
    ["Attempts", `${record.attempts}, of unknown outcome ${record.attempts - record.definite}`],
    ["Verdict", record.verdict ?? "none yet"],
    ["Marketplace's record", record.marketplace_record_id ?? "none"],
  ];
}

function Attempts({ attempts, all, now }: { attempts: readonly Attempt[]; all: number; now: Date }) {
  return (
    <Card id="attempts" title="Attempts" intro={all > attempts.length ? `The newest of ${all}.` : undefined}>
      {attempts.length === 0 ? (
        <p>It was never sent.</p>
      ) : (
        <table class="stacked lines">
          <thead>
            <tr>
              <th scope="col">Attempt</th>
              <th scope="col">Begun</th>
              <th scope="col">Outcome</th>
              <th scope="col">Request id</th>
            </tr>
          </thead>
          <tbody>
            {attempts.map((one) => (
              <tr key={one.n}>
                <th scope="row">{one.n}</th>
                <td data-word="Begun">
                  <Moment at={new Date(one.started_at)} now={now} />
                </td>
                <td data-word="Outcome">{outcomeOf(one)}</td>
                <td data-word="Request id">{one.request_id ?? "none"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
}

function outcomeOf({ ended_at, outcome, fault }: Attempt): string {
  const said = [outcome, fault].filter((part) => part !== null).join(": ");
  if (said !== "") return said;
  return ended_at === null ? "not known: under way, or its answer never came" : "none";
}
