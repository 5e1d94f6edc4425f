import { ActionForm } from "../../parts.tsx";
import { type Role, roles } from "../parts.ts";
import { personPath } from "./people-page.tsx";
import type { Listed, PersonAct } from "./read.ts";

export const titles: Readonly<Record<PersonAct, string>> = {
  add: "Add somebody",
  role: "Change the role",
  remove: "Remove",
};

const means: Readonly<Record<PersonAct, string>> = {
  add: "Whoever signs in with this e-mail at the identity provider may come in from then on.",
  role: "The new role counts from the next request on.",
  remove: "Nobody comes in with this e-mail any more, and whoever is signed in with it is signed out at once.",
};

const may: Readonly<Record<Role, string>> = {
  viewer: "look, never at secrets",
  support: "also view as the customer, retry, redeliver",
  operator: "also suspend, resume, rotate, change the plan, deprovision, read the audit",
  admin: "also say who may come in",
};

export interface ChangeProps {
  readonly act: PersonAct;
  /** Whom it is about; nobody yet where somebody is added. */
  readonly person: Pick<Listed, "email" | "role"> | undefined;
  readonly version: number;
  readonly token: string;
  /** What was wrong with the form that was just sent, and what was in it. */
  readonly fault?: string | undefined;
  readonly filled?: { readonly email: string; readonly role: string | undefined; readonly reason: string } | undefined;
}

/** Asks once more, and for a reason. It carries what the list was when it was made. */
export function ChangePage({ act, person, version, token, fault, filled }: ChangeProps) {
  const action = person === undefined ? "/console/people/add" : personPath(person.email, act === "add" ? "role" : act);
  return (
    <section class="card alone">
      <p class="way-back">
        <a href="/console/people">← Back to people</a>
      </p>
      <h1>{titles[act]}</h1>
      {person === undefined ? null : (
        <p>
          {person.email} <span class="badge">{person.role}</span>
        </p>
      )}
      <p>{means[act]}</p>
      {fault === undefined ? null : (
        <p class="notice bad" role="alert">
          {fault}
        </p>
      )}
      <ActionForm class="contact" action={`${action}/confirmed`} token={token}>
        <input type="hidden" name="version" value={version} />
        {act === "add" ? <EmailField email={filled?.email} /> : null}
        {act === "remove" ? null : <RoleChoice chosen={filled?.role ?? person?.role} />}
        <label>
          Reason
          <input
            type="text"
            name="reason"
            required
            maxLength={300}
            value={filled?.reason}
            aria-describedby="reason-for"
          />
          <span class="quiet" id="reason-for">
            It stands in the operators' audit, with your name.
          </span>
        </label>
        <button type="submit" class={act === "remove" ? "danger" : "main"} id="confirm">
          {titles[act]}
        </button>
      </ActionForm>
    </section>
  );
}

function EmailField({ email }: { email: string | undefined }) {
  return (
    <label>
      E-mail
      <input
        type="email"
        name="email"
        required
        maxLength={254}
        value={email}
        autocomplete="off"
        spellcheck={false}
        aria-describedby="email-for"
      />
      <span class="quiet" id="email-for">
        As the identity provider has it; small and capital letters are the same.
      </span>
    </label>
  );
}

function RoleChoice({ chosen }: { chosen: string | undefined }) {
  return (
    <fieldset class="choose">
      <legend>Role</legend>
      {roles.map((role) => (
        <label key={role}>
          <input type="radio" name="role" value={role} required checked={role === chosen} />
          <span>
            {role} <span class="quiet">{may[role]}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
