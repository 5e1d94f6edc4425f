import { type Credential, isSecretKind } from "../../credentials/credentials.ts";
import { ActionForm, Card, Unseen } from "../parts.tsx";
import { Moment } from "../time.tsx";
import type { CustomerView } from "./view.ts";

/** How long the old credentials go on working, in seconds as the form sends them. The first is chosen beforehand. */
const overlaps = [
  { seconds: "7200", label: "For 2 more hours", hint: "enough for your app to restart with the new ones" },
  { seconds: "86400", label: "For 24 more hours", hint: "when somebody has copied them elsewhere" },
  { seconds: "0", label: "Not at all", hint: "when they have leaked: whatever still uses them fails at once" },
] as const;

export function isOverlap(text: string): boolean {
  return overlaps.some(({ seconds }) => seconds === text);
}

/** Every credential that still works, the way to replace them, and the way to end an old one early. */
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
      <div class="connect">
        <table>
          <caption>Credentials that work</caption>
          <thead>
            <tr>
              <th scope="col">Credential</th>
              <th scope="col">State</th>
            </tr>
          </thead>
          <tbody>
            {view.credentials.map((credential) => (
              <CredentialRow key={credential.id} credential={credential} now={view.now} token={token} />
            ))}
          </tbody>
        </table>
        <RotateForm view={view} token={token} />
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
        </span>
        <span class="quiet">
          issued <Moment at={credential.createdAt} now={now} />
        </span>
      </th>
      <td>
        {credential.state === "active" ? (
          <strong class="badge good">Active</strong>
        ) : (
          <Retiring {...{ credential, now, token }} />
        )}
      </td>
    </tr>
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
        {texts.rotationWarning}
      </p>
      <fieldset>
        <legend>The old ones go on working</legend>
        {overlaps.map(({ seconds, label, hint }, place) => (
          <label key={seconds}>
            <input type="radio" name="overlap" value={seconds} checked={place === 0} />
            <span>
              {label} <span class="quiet">{hint}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <button type="submit" class="main" id="rotate">
        Rotate credentials
      </button>
    </ActionForm>
  );
}

function kindWord(kind: string): string {
  return kind === "api-key" ? "API key" : kind;
}
