import { Card } from "../parts.tsx";
import { fromNow } from "../time.tsx";
import type { CustomerView } from "./view.ts";

/** Who may open this dashboard, as the marketplace said last. It is changed over there. */
export function PeopleCard({ view: { people, texts, seen, now } }: { view: CustomerView }) {
  return (
    <Card id="people" title="People with access" intro={`${texts.title} decides who they are.`}>
      {people.length === 0 ? (
        <p class="quiet">{texts.title} has not named anybody yet.</p>
      ) : (
        <table class="stacked">
          <caption class="unseen">People with access</caption>
          <thead>
            <tr>
              <th scope="col">E-mail</th>
              <th scope="col">Role</th>
              <th scope="col">Last seen</th>
            </tr>
          </thead>
          <tbody>
            {people.map(({ id, email, role }) => (
              <tr key={id}>
                <th scope="row">{email}</th>
                <td data-word="Role">{role}</td>
                <td data-word="Last seen">
                  <LastSeen at={seen.get(email)} now={now} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
}

function LastSeen({ at, now }: { at: Date | undefined; now: Date }) {
  if (at === undefined) return <span class="quiet">not yet</span>;
  return <time dateTime={at.toISOString()}>{fromNow(at, now)}</time>;
}
