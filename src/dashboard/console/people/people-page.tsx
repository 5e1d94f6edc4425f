import { Unseen } from "../../parts.tsx";
import { Moment } from "../../time.tsx";
import { type Listed, MOST_PEOPLE, type People } from "./read.ts";

interface PeopleProps {
  readonly found: People;
  readonly now: Date;
  readonly notice: string | undefined;
  /** How people prove who they are; without that, a list lets nobody in. */
  readonly ways: boolean;
}

/** Who may come in by name. */
export function PeoplePage({ found, now, notice, ways }: PeopleProps) {
  const people = found.people.slice(0, MOST_PEOPLE);
  return (
    <>
      <div class="heading">
        <h1>People</h1>
        <p class="quiet">
          Who may come in, once an identity provider says that it is they. A change counts from the next request on.
        </p>
      </div>
      {notice === undefined ? null : (
        <p class="notice" role="status">
          {notice}
        </p>
      )}
      {ways ? null : (
        <p class="notice warn">
          No identity provider is set, so nobody of this list can sign in: set <code>CONSOLE_OIDC_…</code> or{" "}
          <code>CONSOLE_SAML_…</code>, as docs/console.md says.
        </p>
      )}
      <section class="card" aria-label="Those who may come in">
        {people.length === 0 ? <p>Nobody yet. Add yourself as admin first.</p> : <Lines people={people} now={now} />}
        {found.people.length > MOST_PEOPLE ? <p>There are more than these {MOST_PEOPLE}.</p> : null}
        <nav class="deeds" aria-label="What may be done">
          <a class="button" href="/console/people/add">
            Add somebody
          </a>
        </nav>
      </section>
    </>
  );
}

function Lines({ people, now }: { people: readonly Listed[]; now: Date }) {
  return (
    <table class="stacked lines">
      <thead>
        <tr>
          <th scope="col">E-mail</th>
          <th scope="col">Role</th>
          <th scope="col">Added</th>
          <th scope="col">Last here</th>
          <td />
        </tr>
      </thead>
      <tbody>
        {people.map((person) => (
          <Line key={person.email} person={person} now={now} />
        ))}
      </tbody>
    </table>
  );
}

function Line({ person: { email, role, added_by: by, created_at: added, seen_at: seen }, now }: LineProps) {
  return (
    <tr>
      <th scope="row">
        {email}
        <span class="quiet">added by {by.replace(/^operator:/, "")}</span>
      </th>
      <td data-word="Role">
        <span class="badge">{role}</span>
      </td>
      <td data-word="Added">
        <Moment at={new Date(added)} now={now} />
      </td>
      <td data-word="Last here">{seen === null ? "not today" : <Moment at={new Date(seen)} now={now} />}</td>
      <td data-word="Do">
        <a href={personPath(email, "role")}>
          Change role<Unseen> of {email}</Unseen>
        </a>{" "}
        <a href={personPath(email, "remove")}>
          Remove<Unseen> {email}</Unseen>
        </a>
      </td>
    </tr>
  );
}

interface LineProps {
  readonly person: Listed;
  readonly now: Date;
}

export const personPath = (email: string, act: "role" | "remove"): string =>
  `/console/people/${encodeURIComponent(email)}/${act}`;
