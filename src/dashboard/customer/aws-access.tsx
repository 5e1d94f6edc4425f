import type { AwsConnection } from "../../isolation/aws/aws.ts";
import { ActionForm, Card, Copyable } from "../parts.tsx";
import { Moment } from "../time.tsx";
import type { AwsView } from "./aws-view.ts";
import type { CustomerView } from "./view.ts";

/** A role that was just refused: what was pasted, and why. */
export interface RefusedRole {
  readonly roleArn: string;
  readonly reason: string;
}

interface AwsProps {
  readonly view: CustomerView;
  readonly token: string;
  readonly refused?: RefusedRole | undefined;
}

/** What the tenant has of AWS: credentials for its code, and a role by which the product works in the customer's account. */
export function AwsCard({ view, token, refused }: AwsProps) {
  const { aws, product, tenant } = view;
  if (aws === undefined || tenant.state === "provisioning") return null;
  const parts = { aws, product, now: view.now, token, refused };
  return (
    <Card
      id="aws"
      title="AWS"
      intro="Your code exchanges its API key for credentials of AWS that open this tenant's data alone and end by themselves."
    >
      <div class="connect">
        <div>
          <h3>Credentials for your code</h3>
          <p>
            The address is in <code>{aws.variable}</code>. They last 15 minutes, or up to an hour where you ask for it.
          </p>
          <Copyable>{commandFor(aws)}</Copyable>
        </div>
        {aws.connects ? <Connection {...parts} /> : null}
      </div>
    </Card>
  );
}

function commandFor({ variable, keyVariable }: AwsView): string {
  return `curl -s -X POST "$${variable}" -H "Authorization: Bearer $${keyVariable}" -H "Content-Type: application/json" -d '{}'`;
}

interface Parts {
  readonly aws: AwsView;
  readonly product: string;
  readonly now: Date;
  readonly token: string;
  readonly refused: RefusedRole | undefined;
}

function Connection({ aws, product, now, token, refused }: Parts) {
  const { connection } = aws;
  if (connection === undefined) {
    return (
      <div>
        <h3>Your AWS account</h3>
        <p>
          {product} can work in your AWS account by a role that you make and can take away. Nobody asks you for access
          keys.
        </p>
        <ActionForm action="/dashboard/aws/offer" token={token}>
          <button type="submit" id="aws-offer">
            Connect an AWS account
          </button>
        </ActionForm>
      </div>
    );
  }
  return (
    <div>
      <h3>
        Your AWS account <StateBadge state={connection.state} />
      </h3>
      <Standing connection={connection} now={now} />
      {connection.state === "connected" && refused === undefined ? (
        <details>
          <summary>Use another role</summary>
          <Steps aws={aws} connection={connection} token={token} refused={refused} />
        </details>
      ) : (
        <Steps aws={aws} connection={connection} token={token} refused={refused} />
      )}
      <ActionForm action="/dashboard/aws/disconnect" token={token}>
        <p class="quiet">The external id then ends for good; a role in your account you delete yourself.</p>
        <button type="submit" class="danger" id="aws-disconnect">
          {connection.state === "offered" ? "Give up this external id" : "Disconnect AWS"}
        </button>
      </ActionForm>
    </div>
  );
}

const states = {
  offered: { word: "Waiting for the role", tone: "wait" },
  connected: { word: "Connected", tone: "good" },
  broken: { word: "Broken", tone: "bad" },
} as const;

function StateBadge({ state }: Pick<AwsConnection, "state">) {
  const { word, tone } = states[state];
  return <strong class={`badge ${tone}`}>{word}</strong>;
}

/** The role, when it was last tried, and what was wrong then. */
function Standing({ connection, now }: { readonly connection: AwsConnection; readonly now: Date }) {
  const { roleArn, checkedAt, fault } = connection;
  if (roleArn === null || checkedAt === null) return null;
  return (
    <>
      <p class="role">
        <code>{roleArn}</code>
      </p>
      <p class="quiet">
        Last tried <Moment at={checkedAt} now={now} />; it is tried again every day.
      </p>
      {fault === null ? null : <p class="notice bad">{fault}</p>}
    </>
  );
}

interface StepsProps {
  readonly aws: AwsView;
  readonly connection: AwsConnection;
  readonly token: string;
  readonly refused: RefusedRole | undefined;
}

function Steps({ aws, connection, token, refused }: StepsProps) {
  const { externalId, state, roleArn } = connection;
  const before = refused?.roleArn ?? (state === "broken" ? (roleArn ?? "") : "");
  return (
    <ol class="steps">
      <li>
        <p>Your external id. It belongs to this tenant alone:</p>
        <Copyable>{externalId}</Copyable>
      </li>
      <li>
        {aws.quickCreate === undefined ? (
          <p>
            Deploy <a href="/dashboard/aws/template.json">this CloudFormation template</a> in your account with that
            external id.
          </p>
        ) : (
          <p>
            <a href={aws.quickCreate}>Create the role in your AWS account</a>: the external id is filled in. Or deploy{" "}
            <a href="/dashboard/aws/template.json">the template</a> yourself.
          </p>
        )}
      </li>
      <li>
        <ActionForm action="/dashboard/aws/connect#aws" token={token}>
          <label>
            Paste the ARN of the role, which the stack puts out
            <input
              type="text"
              name="role_arn"
              id="aws-role"
              required
              value={before}
              spellcheck={false}
              autocomplete="off"
              placeholder="arn:aws:iam::123456789012:role/…"
              aria-invalid={refused === undefined ? undefined : "true"}
              aria-describedby={refused === undefined ? undefined : "aws-refused"}
            />
          </label>
          {refused === undefined ? null : (
            <p class="notice bad" id="aws-refused" role="alert">
              {refused.reason}
            </p>
          )}
          <button type="submit" class="main" id="aws-connect">
            Check and connect
          </button>
        </ActionForm>
      </li>
    </ol>
  );
}
