import { Card, Unseen } from "../../parts.tsx";
import { Moment } from "../../time.tsx";
import { may } from "../parts.ts";
import { redacted } from "../tenants/redact.ts";
import { endpointActPath, endpointActs, endpointPath } from "./acts.ts";
import type { EndpointProps } from "./endpoint-props.ts";
import type { Attempt } from "./read.ts";

/** Every attempt of the last 30 days, newest first. */
export function AttemptsCard(props: EndpointProps) {
  const { read, failed, first } = props;
  const base = `${endpointPath(read.endpoint.id)}?${failed ? "show=failed&" : ""}`;
  return (
    <Card
      id="attempts"
      title="Attempts"
      intro="Of the last 30 days. What a receiver answers is not kept, but its status."
    >
      <nav class="ranges" aria-label="Which attempts">
        <a
          class="button"
          href={`${endpointPath(read.endpoint.id)}#attempts`}
          aria-current={failed ? undefined : "true"}
        >
          All
        </a>
        <a
          class="button"
          href={`${endpointPath(read.endpoint.id)}?show=failed#attempts`}
          aria-current={failed ? "true" : undefined}
        >
          Failed
        </a>
      </nav>
      {read.attempts.length === 0 ? <p>There is none of these.</p> : <Lines {...props} />}
      <nav class="deeds" aria-label="Pages">
        {first ? null : <a href={`${base}#attempts`}>First page</a>}
        {read.next === undefined ? null : (
          <a class="button" href={`${base}cursor=${read.next}#attempts`} rel="next">
            Next page
          </a>
        )}
      </nav>
    </Card>
  );
}

function Lines({ read, now, person }: EndpointProps) {
  const { role, fits } = endpointActs.resend;
  const resends = may(person, role) && fits(read.endpoint);
  return (
    <table class="stacked lines">
      <thead>
        <tr>
          <th scope="col">Event</th>
          <th scope="col">When</th>
          <th scope="col">Outcome</th>
          <th scope="col">Fault</th>
        </tr>
      </thead>
      <tbody>
        {read.attempts.map((attempt) => (
          <tr key={attempt.id}>
            <th scope="row">
              {attempt.type}
              <span class="quiet">
                attempt {attempt.attempt},{" "}
                {attempt.name === null ? (
                  "made up"
                ) : (
                  <a href={`/console/tenants/${attempt.tenant_id}`}>{attempt.name}</a>
                )}
              </span>
              {resends && attempt.lasting ? (
                <a href={`${endpointActPath(read.endpoint.id, "resend")}?delivery=${attempt.id}`}>
                  Send again<Unseen> {`${attempt.type}, attempt ${attempt.attempt} (${attempt.id})`}</Unseen>
                </a>
              ) : null}
            </th>
            <td data-word="When">
              <Moment at={new Date(attempt.started_at)} now={now} />
            </td>
            <td data-word="Outcome">
              <Outcome {...attempt} />
            </td>
            <td data-word="Fault">
              {faultOf(attempt)}
              {attempt.next_at === null ? null : (
                <>
                  {" "}
                  Next <Moment at={new Date(attempt.next_at)} now={now} />
                </>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const outcomes: Readonly<Record<Attempt["outcome"], readonly [tone: string, word: string]>> = {
  delivered: ["good", "taken"],
  retry: ["wait", "failed"],
  given_up: ["bad", "given up"],
  disabled: ["bad", "endpoint disabled"],
};

function Outcome({ outcome, status, milliseconds }: Attempt) {
  const [tone, word] = outcomes[outcome];
  return (
    <>
      <strong class={`badge ${tone}`}>{word}</strong> {status === null ? "" : `${status} `}in {milliseconds} ms
    </>
  );
}

const faultOf = ({ fault }: Attempt): string => String(redacted({ said: fault ?? "none" })["said"]);
