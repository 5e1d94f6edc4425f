import type { Plan } from "../../catalog/catalog.ts";
import type { Way } from "../../marketplaces/marketplace.ts";
import { Card, WayThere } from "../parts.tsx";
import type { CustomerView } from "./view.ts";

/** What is bought, what else there is, and the command that changes it: the marketplace owns the purchase. */
export function PlanCard({ view }: { view: CustomerView }) {
  const { tenant, texts } = view;
  const terms = [{ term: "Bought", text: dayOf(tenant.createdAt) }, ...(texts.terms ?? [])];
  const plans = view.plans.filter(({ id }) => id === tenant.plan || (texts.plans?.includes(id) ?? true));
  return (
    <Card id="plan" title="Plan" intro={`The plan is changed in ${texts.title}, which also sends the invoice.`}>
      <ul class="plans">
        {plans.map((plan) => (
          <PlanItem
            key={plan.id}
            plan={plan.id === tenant.plan ? { ...plan, limits: view.limits } : plan}
            current={plan.id === tenant.plan}
            view={view}
          />
        ))}
      </ul>
      {terms.length === 0 ? null : (
        <dl class="terms">
          {terms.map(({ term, text }) => (
            <div key={term}>
              <dt>{term}</dt>
              <dd>{text}</dd>
            </div>
          ))}
        </dl>
      )}
      {texts.backUrl === undefined ? null : (
        <p>
          <a href={texts.backUrl}>Change the plan in {texts.title}</a>
        </p>
      )}
    </Card>
  );
}

const dayOf = (at: Date): string => at.toISOString().slice(0, 10);

function PlanItem({ plan, current, view }: { plan: Plan; current: boolean; view: CustomerView }) {
  return (
    <li class={current ? "plan current" : "plan"}>
      <h3>
        {plan.name} {current ? <span class="badge">Your plan</span> : null}
      </h3>
      {view.texts.pricedThere ? null : (
        <p class="price">
          <strong>{amount(plan)}</strong> <span class="quiet">{`a ${plan.price.unit}`}</span>
        </p>
      )}
      <dl class="limits">
        {Object.entries(plan.limits).map(([id, limit]) => (
          <div key={id}>
            <dt>{view.dimensions[id] ?? wordOf(id)}</dt>
            <dd>{limit.toLocaleString("en-US")}</dd>
          </div>
        ))}
      </dl>
      {current ? null : <Change way={view.texts.ways.changePlan(plan.id)} plan={plan.name} />}
    </li>
  );
}

function Change({ way, plan }: { way: Way; plan: string }) {
  return (
    <p class="change">
      {"command" in way ? <span class="quiet">Change to {plan} with</span> : null}
      <WayThere way={way} words={`Change to ${plan}`} />
    </p>
  );
}

function amount({ price }: Plan): string {
  const whole = price.cents % 100 === 0;
  const digits = whole ? 0 : 2;
  return (price.cents / 100).toLocaleString("en-US", {
    style: "currency",
    currency: price.currency ?? "USD",
    minimumFractionDigits: digits,
  });
}

/** `stored_documents` → "Stored documents" */
function wordOf(id: string): string {
  const words = id.replaceAll(/[_-]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
