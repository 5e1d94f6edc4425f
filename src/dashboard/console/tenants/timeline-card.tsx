import { eventFacts } from "../../../events/catalogue.ts";
import { Card } from "../../parts.tsx";
import { Moment } from "../../time.tsx";
import { cursorOf, type Item, type Timeline, type Try } from "./timeline.ts";
import { words } from "./words.ts";

interface TimelineProps {
  readonly id: string;
  readonly timeline: Timeline;
  readonly now: Date;
  /** The request behind an item, as a command; undefined where we do not have it. */
  readonly curlOf: (item: Item) => string | undefined;
}

/** What happened, newest first: events, operations, owed calls with their attempts, and what operators did. */
export function TimelineCard({ id, timeline: { items, next }, now, curlOf }: TimelineProps) {
  return (
    <Card id="timeline" title="Timeline">
      {items.length === 0 ? <p>Nothing before that.</p> : null}
      <ol class="events">
        {items.map((item) => (
          <li key={item.key} id={item.key}>
            <TimelineItem item={item} now={now} curl={curlOf(item)} />
          </li>
        ))}
      </ol>
      {next === undefined ? null : (
        <p>
          <a class="button" href={`/console/tenants/${id}?before=${cursorOf(next)}#timeline`} rel="next">
            Older
          </a>
        </p>
      )}
    </Card>
  );
}

/** What it was, for a reader; the name of an event stands beside its meaning. */
function Told({ item: { source, what, by, payload } }: { item: Item }) {
  if (source === "call")
    return (
      <>
        Call to {by}: {words(what)}
      </>
    );
  if (source === "operation") return <>Operation: {words(what)}</>;
  const title = payload["title"];
  return (
    <>
      {typeof title === "string" ? title : meaning(what)} <code class="quiet">{what}</code>
    </>
  );
}

const meaning = (type: string): string => eventFacts(type as Parameters<typeof eventFacts>[0]).means;

const tones: Readonly<Record<string, string>> = {
  done: "good",
  delivered: "good",
  running: "wait",
  owed: "wait",
  refused: "bad",
  failed: "bad",
  given_up: "bad",
  cancelled: "over",
};

function TimelineItem({ item, now, curl }: { item: Item; now: Date; curl: string | undefined }) {
  const { source, by, state, at, attempts = 0, fault, request } = item;
  return (
    <>
      <p>
        <Told item={item} />{" "}
        {state === undefined ? null : <strong class={`badge ${tones[state] ?? "over"}`}>{words(state)}</strong>}
      </p>
      <p class="quiet">
        <Moment at={at} now={now} />
        {source === "call" ? null : ` · ${by}`}
        {attempts === 0 ? null : ` · ${attempts === 1 ? "1 attempt" : `${attempts} attempts`}`}
        {fault ? ` · ${fault}` : null}
        {request ? (
          <>
            {" · "}request <code>{request}</code>
          </>
        ) : null}
      </p>
      <Details item={item} curl={curl} />
    </>
  );
}

function Details({ item: { payload, tries = [], key }, curl }: { item: Item; curl: string | undefined }) {
  // The id of its operation alone tells nobody anything.
  const told = Object.keys(payload).some((name) => name !== "operation");
  if (!told && tries.length === 0 && curl === undefined) return null;
  return (
    <details>
      <summary>
        Details<span class="unseen"> of {key}</span>
      </summary>
      {told ? <pre class="payload">{JSON.stringify(payload, undefined, 2)}</pre> : null}
      {tries.length === 0 ? null : <Tries tries={tries} />}
      {curl === undefined ? null : (
        <>
          <p class="quiet">The request again, to a provider on your machine; put the secret in the variable first.</p>
          <pre class="payload">
            <code data-copy="">{curl}</code>
          </pre>
        </>
      )}
    </details>
  );
}

function Tries({ tries }: { tries: readonly Try[] }) {
  return (
    <ul class="quiet">
      {tries.map(({ attempt, ended_at, outcome, status, fault }) => (
        <li key={attempt}>
          Attempt {attempt}, {ended_at.slice(0, 19).replace("T", " ")} UTC: {words(outcome)}
          {status === null ? "" : `, status ${status}`}
          {fault === null ? "" : `, ${fault}`}
        </li>
      ))}
    </ul>
  );
}
