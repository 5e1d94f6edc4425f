import { Copyable } from "../../parts.tsx";
import { ConfirmForm } from "../confirm-form.tsx";
import { overlaps } from "../tenants/acts.ts";
import { type EndpointActName, endpointActPath, endpointActs, endpointPath } from "./acts.ts";
import { EndpointBadge } from "./badge.tsx";
import { ActList } from "./endpoint-page.tsx";
import { titleOf } from "./place.ts";
import type { AdmittedWish, EndpointLine, EndpointRead } from "./read.ts";

export interface ConfirmProps {
  readonly read: EndpointRead;
  readonly act: EndpointActName;
  readonly token: string;
  /** Types of events that may be made up. */
  readonly types: readonly string[];
  /** Since when what was not taken is owed again, unless another time is chosen. */
  readonly since: Date;
  /** The attempt whose event is sent again. */
  readonly delivery?: string | undefined;
  readonly fault?: string;
  readonly filled?: string;
}

/** Asks once more, and for a reason. It carries what the endpoint was when it was made. */
export function ConfirmPage(props: ConfirmProps) {
  const { read, act: name, token, delivery, fault, filled } = props;
  const { endpoint, acts } = read;
  const { title, danger, means } = endpointActs[name];
  return (
    <section class="card alone">
      <p class="way-back">
        <a href={endpointPath(endpoint.id)}>← Back to {titleOf(endpoint)}</a>
      </p>
      <h1>{title}</h1>
      <p>
        {titleOf(endpoint)} <EndpointBadge endpoint={endpoint} />
      </p>
      <p>{means(endpoint)}</p>
      <ConfirmForm
        {...{ title, danger, token, fault, filled }}
        action={`${endpointActPath(endpoint.id, name)}/confirmed`}
        reason="It stands in the audit, for operators."
      >
        <input type="hidden" name="version" value={endpoint.version} />
        <input type="hidden" name="seen" value={acts[0]?.sequence ?? 0} />
        {delivery === undefined ? null : <input type="hidden" name="delivery" value={delivery} />}
        <Fields {...props} />
      </ConfirmForm>
    </section>
  );
}

function Fields({ act, types, since }: ConfirmProps) {
  if (act === "test") return <TypeChoice types={types} />;
  if (act === "recover") return <SinceField since={since} />;
  return act === "rotate" ? <OverlapChoice /> : null;
}

function TypeChoice({ types }: Pick<ConfirmProps, "types">) {
  return (
    <label>
      Type of the event
      <select name="type">
        {types.map((type) => (
          <option key={type} value={type} selected={type === "provision.done"}>
            {type}
          </option>
        ))}
      </select>
    </label>
  );
}

function SinceField({ since }: Pick<ConfirmProps, "since">) {
  return (
    <label>
      Since (UTC)
      <input
        type="text"
        name="since"
        required
        value={since.toISOString().slice(0, 16).replace("T", " ")}
        autocomplete="off"
        aria-describedby="since-form"
      />
      <span class="quiet" id="since-form">
        Such as 2026-05-10 14:30, at most 30 days ago.
      </span>
    </label>
  );
}

function OverlapChoice() {
  return (
    <fieldset class="choose">
      <legend>The old one signs on for</legend>
      {[...overlaps].map(([seconds, text]) => (
        <label key={seconds}>
          <input type="radio" name="overlap" value={seconds} checked={seconds === "86400"} />
          {text}
        </label>
      ))}
    </fieldset>
  );
}

/** The new secret, this once. */
export function SecretPage({ endpoint, secret }: { endpoint: Pick<EndpointLine, "id" | "name">; secret: string }) {
  return (
    <section class="card alone">
      <h1>The new signing secret</h1>
      <p>It is shown this once: give it to the receiver now.</p>
      <Copyable>{secret}</Copyable>
      <p>
        <a class="button" href={endpointPath(endpoint.id)}>
          Back to the endpoint
        </a>
      </p>
    </section>
  );
}

interface OvertakenProps extends AdmittedWish {
  readonly act: EndpointActName;
  readonly now: Date;
}

/** For the second of two: what happened since the form was made, and by whom. */
export function OvertakenPage({ act, since, endpoint, now }: OvertakenProps) {
  return (
    <section class="card alone">
      <h1>Something happened meanwhile</h1>
      <p>
        Nothing was done: <strong>{endpointActs[act].title}</strong> was asked for on a page that is older than this.
        The endpoint is <EndpointBadge endpoint={endpoint} /> now.
      </p>
      {since.length === 0 ? <p>{unseen[act] ?? "It was changed over the API, or by the service itself."}</p> : null}
      <ActList acts={since} now={now} />
      <p>
        <a class="button" href={endpointPath(endpoint.id)}>
          Look at it as it is now
        </a>
      </p>
    </section>
  );
}

const unseen: Partial<Record<EndpointActName, string>> = {
  resend: "The event of that attempt was made up, or is not kept any more.",
};
