import { Copyable } from "../../parts.tsx";
import { Moment } from "../../time.tsx";
import { type AuditPageRead, type AuditWanted, type CheckedEntry, OPERATORS } from "./read.ts";

interface AuditProps {
  readonly wanted: AuditWanted;
  readonly read: AuditPageRead;
  readonly now: Date;
  readonly first: boolean;
}

/** One chain, newest first: the operators', or one tenant's. */
export function AuditPage(props: AuditProps) {
  const { wanted, read, now, first } = props;
  return (
    <>
      <div class="heading">
        <h1>Audit</h1>
      </div>
      <Search wanted={wanted} />
      <Standing {...props} />
      <section class="card" aria-label="Entries">
        {read.entries.length === 0 ? <Nothing {...props} /> : <Entries entries={read.entries} now={now} />}
        <nav class="deeds" aria-label="Pages">
          {first ? null : <a href={addressOf(wanted)}>First page</a>}
          {read.next === undefined ? null : (
            <a class="button" href={addressOf(wanted, read.next)} rel="next">
              {read.entries.length === 0 ? "Look further" : "Next page"}
            </a>
          )}
          <a href={addressOf(wanted, undefined, "/export.csv")} download>
            All of these as CSV
          </a>
        </nav>
      </section>
    </>
  );
}

function Search({ wanted }: { wanted: AuditWanted }) {
  return (
    <search class="card">
      <form class="find" method="get" action="/console/audit">
        <label class="wide">
          Chain
          <input
            type="search"
            name="chain"
            value={wanted.chain}
            maxLength={26}
            autocomplete="off"
            spellcheck={false}
            aria-describedby="chains"
          />
          <span class="quiet" id="chains">
            <code>{OPERATORS}</code> for what operators looked at and did, or a tenant's id for what was done to its
            credentials and by operators.
          </span>
        </label>
        <Field name="action" title="Action" value={wanted.action} hint="person.added" />
        <Field name="by" title="By" value={wanted.by} hint="operator:ada@example.com" />
        <Field name="from" title="From (day, UTC)" value={wanted.from} hint="2026-03-01" />
        <Field name="until" title="Until (day, UTC)" value={wanted.until} hint="2026-03-31" />
        <button type="submit" class="main">
          Find
        </button>
      </form>
    </search>
  );
}

interface FieldProps {
  readonly name: "action" | "by" | "from" | "until";
  readonly title: string;
  readonly value: string | undefined;
  readonly hint: string;
}

function Field({ name, title, value, hint }: FieldProps) {
  return (
    <label>
      {title}
      <input type="search" name={name} value={value} maxLength={300} autocomplete="off" placeholder={hint} />
    </label>
  );
}

/** What vouches for the chain, and what of it was checked for this page. */
function Standing({ wanted: { chain }, read: { head, entries }, now }: AuditProps) {
  if (head === undefined) return null;
  const broken = entries.filter(({ sound }) => !sound).length;
  return (
    <section class={broken > 0 ? "status bad" : "status good"} aria-label="How it stands">
      {broken > 0 ? (
        <p>
          <strong>{broken} of these entries were changed after they were written.</strong> Their hash does not fit them.
        </p>
      ) : (
        <p>Each entry on this page has the hash that was made when it was written.</p>
      )}
      <p>
        {head.sequence} entries.{" "}
        {head.at === null ? (
          "Not anchored yet: a worker does so each minute."
        ) : (
          <>
            Anchored up to entry {head.anchored}, <Moment at={new Date(head.at)} now={now} />.
          </>
        )}
      </p>
      <p class="quiet">The whole chain, with the anchors that vouch for it, takes a while to check. In a terminal:</p>
      <Copyable>{`stallholder audit verify${chain === OPERATORS ? "" : ` --tenant ${chain}`}`}</Copyable>
    </section>
  );
}

function Entries({ entries, now }: { entries: readonly CheckedEntry[]; now: Date }) {
  return (
    <table class="stacked lines many">
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">By</th>
          <th scope="col">When</th>
          <th scope="col">Facts</th>
        </tr>
      </thead>
      <tbody>
        {entries.map(({ sequence, action, by, at, data, sound }) => (
          <tr key={sequence}>
            <th scope="row">
              {action} {sound ? null : <span class="badge bad">changed</span>}
              <span class="quiet">entry {sequence}</span>
            </th>
            <td class="role" data-word="By">
              {by}
            </td>
            <td data-word="When">
              <Moment at={new Date(at)} now={now} />
            </td>
            <td class="role" data-word="Facts">
              {factsIn(data).map(([name, value]) => (
                <div key={name}>
                  <span class="quiet">{name}</span> {value}
                </div>
              ))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Nothing({ wanted, read }: AuditProps) {
  if (read.next !== undefined) return <p>None among those that were looked at so far.</p>;
  const filtered = wanted.action ?? wanted.by ?? wanted.from ?? wanted.until;
  return (
    <p>{filtered === undefined ? "Nothing was written into this chain yet." : "Nothing of that kind is there."}</p>
  );
}

const factsIn = (data: string): readonly (readonly [string, string])[] =>
  Object.entries(JSON.parse(data) as Readonly<Record<string, unknown>>).map(([name, value]) => [
    name,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);

function addressOf(wanted: AuditWanted, before?: number, path = ""): string {
  const given = Object.entries({ ...wanted, before: before === undefined ? undefined : String(before) });
  const query = new URLSearchParams(given.filter((pair): pair is [string, string] => pair[1] !== undefined));
  return `/console/audit${path}?${query}`;
}
