import { Card, Unseen } from "../../parts.tsx";
import { Moment } from "../../time.tsx";
import { actPath } from "../tenants/act-bar.tsx";
import { words } from "../tenants/words.ts";
import { type Work, type WorkLine, type WorkList, workKinds, workStates } from "./work.ts";

export interface WorkProps {
  readonly list: WorkList;
  readonly work: Work;
  readonly now: Date;
  readonly first: boolean;
  /** Whether who looks may try again. */
  readonly retries: boolean;
  readonly told: { readonly done: number; readonly left: number } | undefined;
}

/** What is owed over all tenants, alike faults together. */
export function WorkPage(props: WorkProps) {
  const { list, work, told, first } = props;
  return (
    <>
      <div class="heading">
        <h1>Deliveries</h1>
      </div>
      {told === undefined ? null : (
        <p class="notice" role="status">
          {told.done} became due. {told.left === 0 ? null : `${told.left} or more of that group are left.`}
        </p>
      )}
      <Filter {...list} />
      {work.groups.length === 0 ? null : <Groups {...props} />}
      <Card id="lines" title={list.of === "calls" ? "Owed calls" : "Operations"}>
        {work.rows.length === 0 ? <p>There is none of these.</p> : <Lines {...props} />}
        <nav class="deeds" aria-label="Pages">
          {first ? null : <a href={addressOf(list)}>First page</a>}
          {work.next === undefined ? null : (
            <a class="button" href={addressOf(list, { cursor: work.next })} rel="next">
              Next page
            </a>
          )}
        </nav>
      </Card>
    </>
  );
}

function Filter({ of, state }: WorkList) {
  return (
    <search class="card">
      <form class="find" method="get" action="/console/deliveries">
        <Choice name="of" title="What" among={workKinds} chosen={of} />
        <Choice name="state" title="State" among={workStates} chosen={state} />
        <button type="submit" class="main">
          Show
        </button>
      </form>
    </search>
  );
}

interface ChoiceProps {
  readonly name: string;
  readonly title: string;
  readonly among: readonly string[];
  readonly chosen: string;
}

function Choice({ name, title, among, chosen }: ChoiceProps) {
  return (
    <label>
      {title}
      <select name={name}>
        {among.map((value) => (
          <option key={value} value={value} selected={value === chosen}>
            {value === "calls" ? "owed calls" : words(value)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Groups({ list, work, now, retries }: WorkProps) {
  const all = work.looked >= 1_000;
  const over = list.of === "operations" && list.state === "given_up";
  return (
    <Card
      id="groups"
      title={`What is alike: ${all ? "1,000 or more" : work.looked}`}
      intro={all ? "Counted among the first 1,000 of the list." : undefined}
    >
      <ul class="next">
        {work.groups.map(({ group, kind, marketplace, count, fault, since }) => (
          <li key={group}>
            <p>
              <strong class={`badge ${list.state === "waiting" ? "wait" : "bad"}`}>{count}</strong> {words(kind)} to{" "}
              {marketplace}, the oldest <Moment at={new Date(since)} now={now} />
            </p>
            <p class="quiet">{fault || "Not tried yet."}</p>
            {!retries || over ? null : (
              <a href={`/console/deliveries/retry?${new URLSearchParams({ ...list, group })}`}>
                Try all {words(kind)} again now<Unseen> ({fault})</Unseen>
              </a>
            )}
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Lines(props: WorkProps) {
  const { work } = props;
  return (
    <table class="stacked lines many">
      <thead>
        <tr>
          <th scope="col">Tenant</th>
          <th scope="col">What</th>
          <th scope="col">Since</th>
          <th scope="col">Next try</th>
          <th scope="col">Last fault</th>
        </tr>
      </thead>
      <tbody>
        {work.rows.map((line) => (
          <Line key={`${line.tenant_id} ${line.ref}`} line={line} {...props} />
        ))}
      </tbody>
    </table>
  );
}

function Line({ line, list, now, retries }: WorkProps & { readonly line: WorkLine }) {
  const over = list.state === "given_up";
  const retry = `${actPath(line.tenant_id, "retry")}?${list.of === "calls" ? "call" : "operation"}=${line.ref}`;
  return (
    <tr>
      <th scope="row">
        <a href={`/console/tenants/${line.tenant_id}`}>{line.name}</a>
      </th>
      <td data-word="What">
        {words(line.kind)} to {line.marketplace}
      </td>
      <td data-word="Since">
        <Moment at={new Date(line.since)} now={now} />
      </td>
      <td data-word="Next try">
        {over ? "none" : <Moment at={new Date(line.due_at)} now={now} />}
        {retries && !(over && list.of === "operations") ? (
          <>
            {" "}
            <a href={retry}>
              Try now<Unseen> {`${words(line.kind)} of ${line.name}`}</Unseen>
            </a>
          </>
        ) : null}
      </td>
      <td data-word="Last fault">
        {line.attempts === 0 ? "Not tried yet." : `${line.attempts} ×: ${line.fault ?? "no answer yet"}`}
      </td>
    </tr>
  );
}

function addressOf(list: WorkList, more: Readonly<Record<string, string>> = {}): string {
  return `/console/deliveries?${new URLSearchParams({ ...list, ...more })}`;
}
