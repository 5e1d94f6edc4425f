import { type Credential, isSecretKind } from "../../credentials/credentials.ts";
import { ActionForm, Card, Copyable } from "../parts.tsx";
import { Moment } from "../time.tsx";
import { accessWord, kindWord } from "./credentials.tsx";
import { InnerPage, type Page } from "./inner-page.tsx";
import { Overlaps } from "./overlaps.tsx";
import type { CustomerView } from "./view.ts";

/** Kinds of which this tenant may have more than its config vars hold. */
export function kindsToIssue({ declarations }: Pick<CustomerView, "declarations">): readonly string[] {
  return [...new Set(declarations.map(({ kind }) => kind).filter(isSecretKind))];
}

/** The form for another credential. */
export function IssuePage({ view, token }: Page) {
  return (
    <InnerPage back="credentials" view={view} token={token} title="Issue a named credential">
      <Card
        id="issue"
        title="What it is for"
        intro="Its value is shown once, on the next page, and is in no config var."
      >
        <ActionForm class="contact" action="/dashboard/credentials" token={token}>
          <label>
            Name
            <input
              type="text"
              name="name"
              required
              maxLength={63}
              pattern="[a-z0-9][a-z0-9._\-]*"
              autoComplete="off"
              aria-describedby="name-hint"
            />
            <span class="quiet" id="name-hint">
              Such as nightly-report: a to z, 0 to 9, dot, dash, underscore.
            </span>
          </label>
          <Choice
            name="kind"
            legend="Kind"
            options={kindsToIssue(view).map((kind) => ({ value: kind, label: kindWord(kind), hint: "" }))}
          />
          <Choice
            name="access"
            legend="Access"
            options={[
              { value: "read", label: "Read only", hint: "look at this tenant, change nothing" },
              { value: "full", label: "Full", hint: "what the credentials in your config vars may" },
            ]}
          />
          <button type="submit" class="main">
            Issue it
          </button>
        </ActionForm>
      </Card>
    </InnerPage>
  );
}

interface ChoiceProps {
  readonly name: string;
  readonly legend: string;
  readonly options: readonly { readonly value: string; readonly label: string; readonly hint: string }[];
}

/** The first is chosen beforehand. */
function Choice({ name, legend, options }: ChoiceProps) {
  return (
    <fieldset class="choose">
      <legend>{legend}</legend>
      {options.map(({ value, label, hint }, place) => (
        <label key={value}>
          <input type="radio" name={name} value={value} checked={place === 0} />
          <span>
            {label} <span class="quiet">{hint}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** The one page with the value. It is the answer to the form itself: a value is in no address and in no session. */
export function IssuedPage({ view, token, credential, value }: Page & { credential: Credential; value: string }) {
  return (
    <InnerPage back="credentials" view={view} token={token} title={`${credential.name} is ready`}>
      <Card
        id="issued"
        title="Take its value now"
        intro="It is shown here and never again. Should it be lost, rotate it or issue another."
      >
        <Copyable>{value}</Copyable>
        <p>
          {kindWord(credential.kind)}, access: {accessWord(credential)}.
        </p>
        <a class="button" href="/dashboard#credentials">
          I have it
        </a>
      </Card>
    </InnerPage>
  );
}

/** One credential in use: how to replace it, and how to end it. */
export function CredentialPage({ view, token, credential }: Page & { credential: Credential }) {
  return (
    <InnerPage back="credentials" view={view} token={token} title={credential.name}>
      <p>
        {kindWord(credential.kind)} ending in <code>{credential.hint}</code>, access: {accessWord(credential)}, issued{" "}
        <Moment at={credential.createdAt} now={view.now} />.
      </p>
      <div class="columns">
        <RotateCard view={view} token={token} credential={credential} />
        <RevokeCard view={view} token={token} credential={credential} />
      </div>
    </InnerPage>
  );
}

type One = Page & { readonly credential: Credential };

function RotateCard({ view, token, credential }: One) {
  const words = credential.named
    ? "It gets a new value under the same name with the same rights. The value is shown on the next page, once."
    : `A new one is issued and put into your config vars, with every other ${kindWord(credential.kind)} that is in one. ${view.texts.rotationWarning}`;
  return (
    <Card id="rotate" title="Rotate" intro={words}>
      <ActionForm class="rotate" action="/dashboard/credentials/rotate" token={token}>
        <input type="hidden" name="credential" value={credential.id} />
        <Overlaps legend="The old one goes on working" />
        <button type="submit" class="main">
          Rotate {credential.name}
        </button>
      </ActionForm>
    </Card>
  );
}

function RevokeCard({ token, credential }: One) {
  const words = credential.named
    ? "It is refused from now on. Nothing takes its place."
    : "It is refused from now on. Your config vars get another in its place; whatever does not read them anew fails until it does.";
  return (
    <Card id="revoke" title="Revoke" intro={words}>
      <ActionForm class="contact" action="/dashboard/credentials/revoke" token={token}>
        <input type="hidden" name="credential" value={credential.id} />
        <label class="sure">
          <input type="checkbox" name="sure" value="yes" required />
          <span>{credential.named ? "Nothing needs it any more" : "Whatever still uses it may fail at once"}</span>
        </label>
        <button type="submit" class="danger">
          Revoke {credential.name}
        </button>
      </ActionForm>
    </Card>
  );
}
