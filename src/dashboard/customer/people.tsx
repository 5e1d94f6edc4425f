import { Card } from "../parts.tsx";
import type { CustomerView } from "./view.ts";

/** Who may open this dashboard, as the marketplace said last. It is changed over there. */
export function PeopleCard({ view: { people, texts } }: { view: CustomerView }) {
  return (
    <Card id="people" title="People with access" intro={`${texts.title} decides who they are.`}>
      {people.length === 0 ? (
        <p class="quiet">{texts.title} has not named anybody yet.</p>
      ) : (
        <table>
          <caption class="unseen">People with access</caption>
          <thead>
            <tr>
              <th scope="col">E-mail</th>
              <th scope="col">Role</th>
            </tr>
          </thead>
          <tbody>
            {people.map(({ id, email, role }) => (
              <tr key={id}>
                <th scope="row">{email}</th>
                <td>{role}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
}
