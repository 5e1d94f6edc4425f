import { ActionForm, Card, Copyable, Unseen, WayThere } from "../parts.tsx";
import { Snippets } from "./snippet-choice.tsx";
import type { CustomerView } from "./view.ts";

export interface Revealed {
  readonly name: string;
  readonly value: string;
}

interface ConnectProps {
  readonly view: CustomerView;
  readonly token: string;
  readonly revealed?: Revealed | undefined;
}

/** The config vars, each value hidden until somebody asks for it, and code that reads them. */
export function ConnectCard({ view, token, revealed }: ConnectProps) {
  if (view.tenant.state === "provisioning") return <ComingConfigVars />;
  const { showConfig } = view.texts.ways;
  const intro = showConfig === undefined ? SET_BY_HAND : SET_IN_APP;
  return (
    <Card id="connect" title="Connect" intro={intro}>
      <div class="connect">
        <div>
          <table>
            <caption>Config vars</caption>
            <thead>
              <tr>
                <th scope="col">Name and value</th>
                <th scope="col">
                  <Unseen>Reveal</Unseen>
                </th>
              </tr>
            </thead>
            <tbody>
              {view.configVars.map((name) => (
                <ConfigVarRow
                  key={name}
                  name={name}
                  token={token}
                  value={revealed?.name === name ? revealed.value : undefined}
                />
              ))}
            </tbody>
          </table>
          <p class="quiet">
            Each reveal is noted in the activity below.
            {showConfig === undefined ? "" : " To see them in your terminal:"}
          </p>
          {showConfig === undefined ? null : <WayThere way={showConfig} words={`See them in ${view.texts.title}`} />}
        </div>
        <div>
          <TestConnections view={view} token={token} />
          <Snippets declarations={view.declarations} />
        </div>
      </div>
    </Card>
  );
}

/** A button for each database: from here, and as the customer does. */
function TestConnections({ view, token }: Pick<ConnectProps, "view" | "token">) {
  const names = view.declarations.filter(({ kind }) => kind === "postgres").map(({ name }) => name);
  return (
    <>
      {names.map((name) => (
        <ActionForm key={name} action="/dashboard/test-connection" token={token}>
          <input type="hidden" name="name" value={name} />
          <button type="submit">
            Test the connection of <code>{name}</code>
          </button>
        </ActionForm>
      ))}
    </>
  );
}

const SET_IN_APP = "These config vars are set in your app. Its code reads them by name.";
const SET_BY_HAND = "Set these config vars where your code runs, which reads them by name.";

function ComingConfigVars() {
  return (
    <Card id="connect" title="Connect">
      <p>Your config vars and code to start with appear here as soon as the set-up is done.</p>
    </Card>
  );
}

interface ConfigVarRowProps {
  readonly name: string;
  readonly token: string;
  /** The value, for whoever asked for it. */
  readonly value?: string | undefined;
}

/** One config var. With scripts the row alone is replaced; both buttons have one id, so that the focus stays. */
export function ConfigVarRow({ name, token, value }: ConfigVarRowProps) {
  return (
    <tr id={`var-${name}`}>
      <th scope="row">
        <code>{name}</code>
        {value === undefined ? <Masked /> : <Copyable>{value}</Copyable>}
      </th>
      <td class="action">{value === undefined ? <Reveal name={name} token={token} /> : <Hide name={name} />}</td>
    </tr>
  );
}

function Masked() {
  return (
    <span class="masked">
      <span aria-hidden="true">••••••••••••••••</span>
      <Unseen>hidden</Unseen>
    </span>
  );
}

const inPlace = { "hx-target": "closest tr", "hx-swap": "outerHTML" } as const;

function Reveal({ name, token }: { name: string; token: string }) {
  return (
    <ActionForm
      action="/dashboard/reveal#connect"
      token={token}
      enhance={{ ...inPlace, "hx-post": "/dashboard/reveal" }}
    >
      <input type="hidden" name="name" value={name} />
      <button type="submit" id={`reveal-${name}`}>
        Reveal <Unseen>{name}</Unseen>
      </button>
    </ActionForm>
  );
}

/** The page as it is without the value. No fragment: the browser would only scroll there and keep the value. */
function Hide({ name }: { name: string }) {
  return (
    <a
      class="button"
      id={`reveal-${name}`}
      href="/dashboard"
      {...inPlace}
      hx-get="/dashboard"
      hx-select={`#var-${name}`}
    >
      Hide <Unseen>{name}</Unseen>
    </a>
  );
}
