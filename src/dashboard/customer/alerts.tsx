import type { UsageAlert } from "../../metering/alerts.ts";
import { ActionForm, Card, Copyable, Unseen } from "../parts.tsx";
import { fromNow } from "../time.tsx";
import { InnerPage, type Page } from "./inner-page.tsx";
import type { CustomerView } from "./view.ts";

/** Who is told when, in a line each. */
export function AlertsCard({ view }: { view: CustomerView }) {
  if (view.metered.length === 0) return null;
  return (
    <Card id="alerts" title="Alerts">
      {view.alerts.length === 0 ? (
        <p class="quiet">Nobody is told yet when usage nears its limit.</p>
      ) : (
        <ul class="alerts">
          {view.alerts.map((alert) => (
            <li key={alert.id}>
              {shareOf(alert, view)} <span class="quiet">to {targetOf(alert)}</span>
            </li>
          ))}
        </ul>
      )}
      <p>
        <a href="/dashboard/alerts">{view.alerts.length === 0 ? "Set an alert" : "Change alerts"}</a>
      </p>
    </Card>
  );
}

/** What somebody has sent that cannot be, and why. */
export interface RefusedAlert {
  readonly fields: Readonly<Record<string, string>>;
  readonly reason: string;
}

interface AlertsPageProps extends Page {
  readonly notice?: string | undefined;
  readonly refused?: RefusedAlert | undefined;
}

/** All alerts, and the form for another one. */
export function AlertsPage({ view, token, notice, refused }: AlertsPageProps) {
  return (
    <InnerPage view={view} token={token} title="Alerts" back="alerts">
      <div id="notice" role="status">
        {notice === undefined ? null : <p class="notice">{notice}</p>}
      </div>
      <Card
        id="alert-list"
        title="Who is told"
        intro="Each alert comes once in its period, as soon as so much is counted."
      >
        {view.alerts.length === 0 ? <p class="quiet">Nobody yet.</p> : <AlertTable view={view} token={token} />}
      </Card>
      <Card id="alert-new" title="Another alert">
        <AlertForm view={view} token={token} refused={refused} />
      </Card>
    </InnerPage>
  );
}

function AlertTable({ view, token }: Page) {
  return (
    <table class="stacked">
      <caption class="unseen">Alerts</caption>
      <thead>
        <tr>
          <th scope="col">At</th>
          <th scope="col">To</th>
          <th scope="col">Last</th>
          <th scope="col">
            <Unseen>Remove</Unseen>
          </th>
        </tr>
      </thead>
      <tbody>
        {view.alerts.map((alert) => (
          <tr key={alert.id}>
            <th scope="row">{shareOf(alert, view)}</th>
            <td data-word="To">{targetOf(alert)}</td>
            <td data-word="Last">{alert.raisedAt === null ? "never" : fromNow(alert.raisedAt, view.now)}</td>
            <td data-word="State">
              <ActionForm action="/dashboard/alerts/remove" token={token}>
                <input type="hidden" name="alert" value={alert.id} />
                <button type="submit" class="danger">
                  Remove <Unseen>{`${shareOf(alert, view)} to ${targetOf(alert)}`}</Unseen>
                </button>
              </ActionForm>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function AlertForm({ view, token, refused }: Page & Pick<AlertsPageProps, "refused">) {
  const { dimension, of, percent = "80", to = view.person.email } = refused?.fields ?? {};
  return (
    <ActionForm class="contact" action="/dashboard/alerts" token={token}>
      {refused === undefined ? null : (
        <p class="notice bad" id="alert-refused" role="alert">
          {refused.reason}
        </p>
      )}
      <label>
        Of what
        <select name="share">
          {choicesOf(view).map(({ value, words }) => (
            <option key={value} value={value} selected={value === `${of} ${dimension}`}>
              {words}
            </option>
          ))}
        </select>
      </label>
      <label>
        At how many per cent
        <input type="text" name="percent" value={percent} inputMode="numeric" pattern="[1-9][0-9]{0,3}" required />
      </label>
      <label>
        Whom to tell
        <input
          type="text"
          name="to"
          value={to}
          maxLength={2048}
          required
          autoComplete="email"
          aria-describedby={refused === undefined ? "alert-to" : "alert-refused alert-to"}
        />
        <span class="quiet" id="alert-to">
          An e-mail address, to which {view.product} writes; or the https:// address of a webhook of yours.
        </span>
      </label>
      <button type="submit" class="main">
        Set the alert
      </button>
    </ActionForm>
  );
}

/** Shares of which one can be told: `limit requests` of the month's limit, `included requests` of contracts. */
function choicesOf({ metered, limits, included }: CustomerView) {
  const of = (share: string, words: string, ids: readonly string[]) =>
    metered
      .filter(({ id }) => ids.includes(id))
      .map(({ id, name }) => ({ value: `${share} ${id}`, words: `${name}: ${words}` }));
  return [
    ...of("limit", "the month's limit", Object.keys(limits)),
    ...of(
      "included",
      "what is included in the contract",
      included.map(({ dimension }) => dimension),
    ),
  ];
}

/** The one page with what signs a webhook's events: the answer to the form itself. */
export function AlertSecretPage({ view, token, secret, url }: Page & { secret: string; url: string }) {
  return (
    <InnerPage view={view} token={token} title="The alert is set" back="alerts">
      <Card id="alert-secret" title="Take its secret now" intro="It is shown this once.">
        <p>
          What is sent to <code>{hostOf(url)}</code> is signed with it, as Standard Webhooks describes. Refuse what does
          not verify.
        </p>
        <Copyable>{secret}</Copyable>
        <p>
          <a class="button" href="/dashboard/alerts">
            I have it
          </a>
        </p>
      </Card>
    </InnerPage>
  );
}

function shareOf({ dimension, of, percent }: UsageAlert, { dimensions }: CustomerView): string {
  return `${percent} % of ${dimensions[dimension] ?? dimension}${of === "included" ? " included" : " for the month"}`;
}

/** Of a webhook the host alone: its path may be a secret. */
function targetOf({ email, url }: UsageAlert): string {
  return email ?? `the webhook at ${hostOf(url ?? "")}`;
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : "");
