import type { ComponentChildren } from "preact";
import { Card } from "../../parts.tsx";
import { Moment } from "../../time.tsx";
import { may, type Person } from "../parts.ts";
import { type EndpointActName, endpointActPath, endpointActs, isEndpointAct } from "./acts.ts";
import { AttemptsCard } from "./attempts-card.tsx";
import { EndpointBadge } from "./badge.tsx";
import type { EndpointProps } from "./endpoint-props.ts";
import { owedOf, typesOf } from "./list-page.tsx";
import { placeOf, titleOf } from "./place.ts";
import type { DoneAct, EndpointLine } from "./read.ts";

/** One endpoint: how it stands, what may be done to it, and how every attempt went. */
export function EndpointPage(props: EndpointProps) {
  const { read, now, person, notice } = props;
  const { endpoint } = read;
  return (
    <>
      <div class="heading">
        <p class="way-back">
          <a href="/console/endpoints">← All endpoints</a>
        </p>
        <h1>{titleOf(endpoint)}</h1>
        <p>
          <EndpointBadge endpoint={endpoint} /> {endpoint.reason}
        </p>
      </div>
      {notice === undefined ? null : (
        <p class={notice.bad ? "notice bad" : "notice"} role="status">
          {notice.text} {notice.on === undefined ? null : <a href={notice.on}>Go on from there</a>}
        </p>
      )}
      <ActBar endpoint={endpoint} person={person} />
      <div class="columns">
        <FactsCard endpoint={endpoint} now={now} />
        <ActsCard acts={read.acts} now={now} />
      </div>
      <AttemptsCard {...props} />
    </>
  );
}

const shown: readonly EndpointActName[] = ["test", "recover", "rotate", "enable", "disable"];

function ActBar({ endpoint, person }: { endpoint: EndpointLine; person: Person }) {
  const possible = shown.filter((name) => endpointActs[name].fits(endpoint) && may(person, endpointActs[name].role));
  if (possible.length === 0) return null;
  return (
    <nav class="deeds" aria-label="What may be done">
      {possible.map((name) => (
        <a
          key={name}
          class={endpointActs[name].danger ? "button danger" : "button"}
          href={endpointActPath(endpoint.id, name)}
        >
          {endpointActs[name].title}
        </a>
      ))}
    </nav>
  );
}

function FactsCard({ endpoint, now }: { endpoint: EndpointLine; now: Date }) {
  const moment = (at: string | null) => (at === null ? "none" : <Moment at={new Date(at)} now={now} />);
  return (
    <Card id="facts" title="How it stands">
      <dl class="terms">
        <Fact term="Id">{endpoint.id}</Fact>
        <Fact term={endpoint.url === null ? "Bus" : "Address"}>{placeOf(endpoint)}</Fact>
        <Fact term="Hears of">{typesOf(endpoint)}</Fact>
        {endpoint.test ? <Fact term="Made-up events">are sent too</Fact> : null}
        {endpoint.failing_since === null ? null : <Fact term="Failing since">{moment(endpoint.failing_since)}</Fact>}
        {endpoint.quiet_until !== null && new Date(endpoint.quiet_until) > now ? (
          <Fact term="Wants quiet until">{moment(endpoint.quiet_until)}</Fact>
        ) : null}
        <Fact term="Last success">{moment(endpoint.last_success)}</Fact>
        <Fact term="Owed">{owedOf(endpoint)}</Fact>
        {endpoint.oldest_owed_at === null ? null : <Fact term="Oldest owed">{moment(endpoint.oldest_owed_at)}</Fact>}
        {endpoint.old_secrets_end
          .filter((at) => new Date(at) > now)
          .map((at) => (
            <Fact key={at} term="An old secret signs until">
              {moment(at)}
            </Fact>
          ))}
      </dl>
    </Card>
  );
}

function Fact({ term, children }: { term: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd class="role">{children}</dd>
    </div>
  );
}

function ActsCard({ acts, now }: { acts: readonly DoneAct[]; now: Date }) {
  return (
    <Card id="acts" title="What operators did">
      {acts.length === 0 ? <p>Nothing yet.</p> : <ActList acts={acts} now={now} />}
    </Card>
  );
}

export function ActList({ acts, now }: { acts: readonly DoneAct[]; now: Date }) {
  return (
    <ol class="events">
      {acts.map(({ sequence, act, by, at, reason }) => (
        <li key={sequence}>
          <p>
            <strong>{isEndpointAct(act) ? endpointActs[act].title : act}</strong>
          </p>
          <p class="quiet">
            <Moment at={new Date(at)} now={now} /> · {by} · {reason}
          </p>
        </li>
      ))}
    </ol>
  );
}
