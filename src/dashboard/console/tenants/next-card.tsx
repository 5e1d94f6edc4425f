import type { ComponentChildren } from "preact";
import { Card } from "../../parts.tsx";
import { Moment } from "../../time.tsx";
import { endpointPath } from "../endpoints/acts.ts";
import { shownAddress } from "../endpoints/place.ts";
import { may, type Person } from "../parts.ts";
import { actPath } from "./act-bar.tsx";
import type { CallLine, EndpointLine, OperationLine, TenantRead } from "./read.ts";
import { words } from "./words.ts";

interface NextProps {
  readonly read: TenantRead;
  readonly person: Person;
}

/** What is due, and what ends by itself. */
export function NextCard({ read, person }: NextProps) {
  const { due, now } = read;
  const retry = may(person, "support") ? actPath(read.tenant.id, "retry") : undefined;
  const items = [
    ...due.operations.map((one) => <OperationItem key={one.id} one={one} now={now} retry={retry} />),
    ...due.calls.map((one) => <CallItem key={one.sequence} one={one} now={now} retry={retry} />),
    ...due.given_up.map((one) => <CallItem key={one.sequence} one={one} now={now} retry={retry} />),
    ...due.endpoints.map((one) => <EndpointItem key={one.id} one={one} now={now} />),
    ...endsOf(read),
  ];
  return (
    <Card id="next" title="What happens next">
      {items.length === 0 ? <p>Nothing runs and nothing is owed.</p> : <ul class="next">{items}</ul>}
    </Card>
  );
}

interface ItemProps<One> {
  readonly one: One;
  readonly now: Date;
  readonly retry?: string | undefined;
}

function OperationItem({ one, now, retry }: ItemProps<OperationLine>) {
  return (
    <li>
      <p>
        <strong class="badge wait">running</strong> {words(one.kind)}, due{" "}
        <Moment at={new Date(one.due_at)} now={now} />
      </p>
      <Tried attempts={one.attempts} fault={one.last_fault} />
      {one.deadline_at === null ? null : (
        <p class="quiet">
          Given up <Moment at={new Date(one.deadline_at)} now={now} />
        </p>
      )}
      {retry === undefined ? null : <a href={`${retry}?operation=${one.id}`}>Try {words(one.kind)} again now</a>}
    </li>
  );
}

function CallItem({ one, now, retry }: ItemProps<CallLine>) {
  const over = one.state === "given_up";
  return (
    <li>
      <p>
        <strong class={`badge ${over ? "bad" : "wait"}`}>{over ? "given up" : "owed"}</strong> {words(one.kind)} to{" "}
        {one.marketplace}, {over ? "ended" : "due"}{" "}
        <Moment at={new Date(over ? (one.ended_at ?? one.due_at) : one.due_at)} now={now} />
      </p>
      <Tried attempts={one.attempts} fault={one.last_fault} />
      {retry === undefined ? null : (
        <a href={`${retry}?call=${one.sequence}`}>
          Try {words(one.kind)} (call {one.sequence}) again now
        </a>
      )}
    </li>
  );
}

function EndpointItem({ one, now }: ItemProps<EndpointLine>) {
  const many = one.owed >= 1_000 ? "1,000 or more events" : one.owed === 1 ? "one event" : `${one.owed} events`;
  return (
    <li>
      <p>
        <strong class={`badge ${one.state === "on" ? "wait" : "bad"}`}>
          {one.state === "on" ? "owed" : one.state}
        </strong>{" "}
        {many} to <a href={endpointPath(one.id)}>{shownAddress(one.name)}</a>
        {one.due_at === null ? null : (
          <>
            , next attempt <Moment at={new Date(one.due_at)} now={now} />
          </>
        )}
      </p>
      {one.attempts === null ? null : <Tried attempts={one.attempts} fault={null} />}
    </li>
  );
}

function Tried({ attempts, fault }: { attempts: number; fault: string | null }) {
  if (attempts === 0) return <p class="quiet">Not tried yet.</p>;
  return (
    <p class="quiet">
      Tried {attempts === 1 ? "once" : `${attempts} times`}
      {fault === null ? "." : `: ${fault}`}
    </p>
  );
}

/** What time alone will end. */
function endsOf({ credentials, tenant, due, now }: TenantRead) {
  const ends: { readonly what: ComponentChildren; readonly at: Date }[] = credentials.flatMap(
    ({ retires_at, ...one }) =>
      one.state === "retiring" && retires_at !== null
        ? [{ what: `The old ${one.name ?? one.var ?? one.kind} (… ${one.hint}) ends`, at: new Date(retires_at) }]
        : [],
  );
  if (tenant.entitledUntil !== null)
    ends.push({ what: "What the marketplace entitles to ends", at: tenant.entitledUntil });
  const { database } = due;
  if (database?.kept_until)
    ends.push({ what: "The grace ends: the data of the database go", at: new Date(database.kept_until) });
  return ends.map(({ what, at }) => (
    <li key={at.getTime()}>
      <p>
        {what} <Moment at={at} now={now} />
      </p>
    </li>
  ));
}
