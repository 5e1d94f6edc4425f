import { Panel } from "../../page/html.tsx";
import type { Agreement } from "../model/agreement.ts";
import { licenceState } from "../model/agreements.ts";
import { isContract } from "../model/products.ts";
import type { Aws } from "../model/world.ts";
import { Quantities } from "./quantities.tsx";

const SHOWN = 50;

export function AgreementsPanel({ aws }: { aws: Aws }) {
  const agreements = [...aws.state.agreements.all()].reverse();
  return (
    <Panel id="aws-agreements" title="Agreements" live>
      {agreements.length === 0 && <p class="quiet">None yet.</p>}
      {agreements.slice(0, SHOWN).map((agreement) => (
        <AgreementItem aws={aws} agreement={agreement} />
      ))}
      {agreements.length > SHOWN && <p class="quiet">{agreements.length - SHOWN} older ones are not shown.</p>}
    </Panel>
  );
}

function AgreementItem({ aws, agreement }: { aws: Aws; agreement: Agreement }) {
  const state = licenceState(agreement, aws.clock.now());
  const active = agreement.status === "ACTIVE";
  return (
    <article class="addon">
      <h3>
        {agreement.id} <span class={`state ${state}`}>{stateText(agreement, state)}</span>
      </h3>
      <p class="quiet">{factsOf(agreement).join(" · ")}</p>
      <p class="quiet">
        <code>{agreement.licenceArn}</code>
      </p>
      <div class="row">
        {aws.providerOrigin !== undefined && (
          <a class="button" href={`/_aws/set-up/${agreement.id}`}>
            Set up or sign in
          </a>
        )}
        {active && agreement.generation === "legacy" && (
          <Act agreement={agreement} action="move" label="Tell licence" />
        )}
        {active && <Act agreement={agreement} action="renew" label="Renew" />}
        {active && <Act agreement={agreement} action="replace" label="Replace" />}
        {active && agreement.endsAt !== null && <Act agreement={agreement} action="expire" label="Expire" />}
        {active && <Act agreement={agreement} action="cancel" label="Cancel" danger />}
        {!active && <Act agreement={agreement} action="resubscribe" label="Subscribe again" />}
      </div>
      {active && isContract(agreement.product) && <Amend agreement={agreement} />}
    </article>
  );
}

function Act(props: { agreement: Agreement; action: string; label: string; danger?: boolean }) {
  const { agreement, action, label, danger = false } = props;
  return (
    <form method="post" action={`/_aws/shop/agreements/${agreement.id}/${action}`}>
      <button type="submit" class={danger ? "danger" : undefined}>
        {label}
      </button>
    </form>
  );
}

function Amend({ agreement }: { agreement: Agreement }) {
  const dimensions = agreement.product.dimensions.filter(({ entitled }) => entitled).map(({ code }) => code);
  return (
    <details id={`amend-${agreement.id}`}>
      <summary>Quantities</summary>
      <form method="post" action={`/_aws/shop/agreements/${agreement.id}/amend`}>
        <Quantities dimensions={dimensions} quantities={agreement.quantities} usual={0} />
        <button type="submit">Amend</button>
      </form>
    </details>
  );
}

function factsOf(agreement: Agreement): readonly string[] {
  const { account, product, customerIdentifier, initialId, id, endsAt, trialDays, quantities } = agreement;
  return [
    `account ${account}`,
    `${product.model}${product.sample ? " (sample)" : ""}`,
    ...(customerIdentifier === null ? [] : [`customer ${customerIdentifier}`]),
    ...(quantities.size === 0 ? [] : [[...quantities].map(([code, value]) => `${code} ${value}`).join(", ")]),
    ...(trialDays === null ? [] : [`${trialDays} days of trial`]),
    ...(endsAt === null ? [] : [`until ${endsAt.toISOString().slice(0, 10)}`]),
    ...(initialId === id ? [] : [`continues ${initialId}`]),
  ];
}

function stateText({ status, suspended }: Agreement, state: string): string {
  if (status !== "ACTIVE") return status.toLowerCase();
  return suspended ? "suspended" : state;
}
