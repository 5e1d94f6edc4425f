import { type Credential, isSecretKind } from "../../credentials/credentials.ts";
import { ActionForm, Card, Unseen } from "../parts.tsx";
import { fromNow, Moment } from "../time.tsx";
import type { AwsView } from "./aws-view.ts";
import { Overlaps } from "./overlaps.tsx";
import type { CustomerView } from "./view.ts";

/** Every credential that still works, the ways to replace and to end it, and the way to another one. */
export function CredentialsCard({ view, token }: { view: CustomerView; token: string }) {
  if (view.tenant.state === "provisioning" || view.credentials.length === 0) return null;
  return (
    <Card
      id="credentials"
      title="Credentials"
      intro="Whoever holds one can use this tenant. Rotate them when in doubt."
    >
      {view.pushIsOwed ? (
        <p class="notice">
          {view.texts.title} has not taken the newest config vars yet. They are sent again until it does, and the old
          credentials go on working until then.
        </p>
      ) : null}
      <table class="stacked">
        <caption>Credentials that work</caption>
        <thead>
          <tr>
            <th scope="col">Credential</th>
            <th scope="col">Access</th>
            <th scope="col">Issued</th>
            <th scope="col">Last used</th>
            <th scope="col">State</th>
          </tr>
        </thead>
        <tbody>
          {view.credentials.map((credential) => (
            <CredentialRow key={credential.id} credential={credential} now={view.now} token={token} />
          ))}
          {view.aws === undefined ? null : <AwsRow aws={view.aws} now={view.now} />}
        </tbody>
      </table>
      <div class="connect">
        <RotateForm view={view} token={token} />
        <Another />
      </div>
    </Card>
  );
}

function CredentialRow({ credential, now, token }: { credential: Credential; now: Date; token: string }) {
  return (
    <tr>
      <th scope="row">
        <code>{credential.name}</code>
        <span class="quiet">
          {kindWord(credential.kind)} ending in <code>{credential.hint}</code>
          {credential.named ? "" : ", in your config vars"}
        </span>
      </th>
      <td data-word="Access">{accessWord(credential)}</td>
      <td data-word="Issued">
        <Ago at={credential.createdAt} now={now} />
      </td>
      <td data-word="Last used">
        <LastUse credential={credential} now={now} />
      </td>
      <td data-word="State">
        {credential.state === "active" ? (
          <Active credential={credential} />
        ) : (
          <Retiring {...{ credential, now, token }} />
        )}
      </td>
    </tr>
  );
}

/** Nothing to rotate or to revoke: whoever holds the key asks for new ones, and each ends by itself. */
function AwsRow({ aws: { variable, keyVariable, givenAt }, now }: { aws: AwsView; now: Date }) {
  return (
    <tr>
      <th scope="row">
        <code>{variable}</code>
        <span class="quiet">Temporary credentials of AWS, given out at the address in your config vars</span>
      </th>
      <td data-word="Access">full</td>
      <td data-word="Issued">when asked for</td>
      <td data-word="Last used">
        {givenAt === undefined ? <span class="quiet">not lately</span> : <Ago at={givenAt} now={now} />}
      </td>
      <td data-word="State">
        <strong class="badge good">Active</strong>
        <p class="ends">
          Each ends by itself within an hour. To end the way to new ones, rotate <code>{keyVariable}</code>.
        </p>
      </td>
    </tr>
  );
}

/** To the minute or so; an exact time would promise more. */
function Ago({ at, now }: { at: Date; now: Date }) {
  return <time dateTime={at.toISOString()}>{fromNow(at, now)}</time>;
}

function LastUse({ credential: { kind, lastUsedAt }, now }: { credential: Credential; now: Date }) {
  if (lastUsedAt !== null) return <Ago at={lastUsedAt} now={now} />;
  return <span class="quiet">{kind === "api-key" ? "never" : "not seen yet"}</span>;
}

function Active({ credential }: { credential: Credential }) {
  const page = `/dashboard/credentials/${credential.id}`;
  const which = `${credential.name} ending in ${credential.hint}`;
  return (
    <div class="deeds">
      <strong class="badge good">Active</strong>
      <a href={`${page}#rotate`}>
        Rotate <Unseen>{which}</Unseen>
      </a>
      <a href={`${page}#revoke`}>
        Revoke <Unseen>{which}</Unseen>
      </a>
    </div>
  );
}

function Retiring({ credential, now, token }: { credential: Credential; now: Date; token: string }) {
  return (
    <>
      <strong class="badge wait">Retiring</strong>
      {credential.retiresAt === null ? null : (
        <p class="ends">
          Ends <Moment at={credential.retiresAt} now={now} />
        </p>
      )}
      <ActionForm action="/dashboard/revoke" token={token}>
        <input type="hidden" name="credential" value={credential.id} />
        <button type="submit" class="danger">
          Revoke now{" "}
          <Unseen>
            {credential.name} ending in {credential.hint}
          </Unseen>
        </button>
      </ActionForm>
    </>
  );
}

function RotateForm({ view, token }: { view: CustomerView; token: string }) {
  if (!view.declarations.some(({ kind }) => isSecretKind(kind))) return null;
  const { texts } = view;
  return (
    <ActionForm class="rotate" action="/dashboard/rotate" token={token}>
      <h3>Rotate</h3>
      <p>
        New credentials are issued{texts.ways.showConfig === undefined ? "" : " and set in your app's config vars"}.{" "}
        {texts.rotationWarning} Named credentials stay as they are.
      </p>
      <Overlaps legend="The old ones go on working" />
      <button type="submit" class="main" id="rotate">
        Rotate credentials
      </button>
    </ActionForm>
  );
}

function Another() {
  return (
    <div>
      <h3>For something else</h3>
      <p>
        A report, a colleague, a machine that only reads: give each a credential of its own, with no more rights than it
        needs, and end it when it has served.
      </p>
      <a class="button" href="/dashboard/credentials/new">
        Issue a named credential
      </a>
    </div>
  );
}

export function kindWord(kind: string): string {
  const words: Readonly<Record<string, string>> = { "api-key": "API key", postgres: "Database login" };
  return words[kind] ?? kind;
}

/** What it may do, in a word or two. */
export function accessWord({ access, kind, scopes }: Pick<Credential, "access" | "kind" | "scopes">): string {
  const usual = kind !== "api-key" || scopes.every((scope) => scope === "tenant:read" || scope === "token");
  return usual ? (access === "read" ? "read only" : "full") : scopes.join(", ");
}
