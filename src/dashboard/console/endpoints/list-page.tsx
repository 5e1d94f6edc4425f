import { Card } from "../../parts.tsx";
import { Moment } from "../../time.tsx";
import { endpointPath } from "./acts.ts";
import { EndpointBadge } from "./badge.tsx";
import { placeOf, titleOf } from "./place.ts";
import type { EndpointLine } from "./read.ts";

interface ListProps {
  readonly endpoints: readonly EndpointLine[];
  readonly now: Date;
}

/** Who hears of lifecycle events. */
export function EndpointList({ endpoints, now }: ListProps) {
  return (
    <>
      <div class="heading">
        <h1>Endpoints</h1>
        <p>Your other systems that hear of lifecycle events.</p>
      </div>
      <Card id="endpoints" title={endpoints.length === 1 ? "One endpoint" : `${endpoints.length} endpoints`}>
        {endpoints.length === 0 ? (
          <p>
            There is none yet. <code>POST /v1/endpoints</code> makes one; <a href="/docs/events">all types of events</a>
            .
          </p>
        ) : (
          <Lines endpoints={endpoints} now={now} />
        )}
      </Card>
    </>
  );
}

function Lines({ endpoints, now }: ListProps) {
  return (
    <table class="stacked lines">
      <thead>
        <tr>
          <th scope="col">Endpoint</th>
          <th scope="col">State</th>
          <th scope="col">Hears of</th>
          <th scope="col">Last success</th>
          <th scope="col">Owed</th>
        </tr>
      </thead>
      <tbody>
        {endpoints.map((one) => (
          <tr key={one.id}>
            <th scope="row">
              <a href={endpointPath(one.id)}>{titleOf(one)}</a>
              {one.name === "" ? null : <span class="quiet">{placeOf(one)}</span>}
            </th>
            <td data-word="State">
              <EndpointBadge endpoint={one} />
              {one.failing_since === null ? null : (
                <>
                  {" "}
                  failing since <Moment at={new Date(one.failing_since)} now={now} />
                </>
              )}
            </td>
            <td data-word="Hears of">{typesOf(one)}</td>
            <td data-word="Last success">
              {one.last_success === null ? "none" : <Moment at={new Date(one.last_success)} now={now} />}
            </td>
            <td data-word="Owed">{owedOf(one)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export const typesOf = ({ types }: EndpointLine): string => types?.join(", ") ?? "everything of ours";

export const owedOf = ({ owed }: EndpointLine): string => (owed >= 1_000 ? "1,000 or more" : String(owed));
