import { findPlan } from "../../../catalog/catalog.ts";
import type { Contact } from "../intake/contact.ts";
import type { LicenceView } from "../licences/licence.ts";
import type { AwsOptions } from "../options.ts";
import { findProduct } from "../section.ts";
import { Frame, SUBSCRIPTIONS_URL } from "./frame.tsx";
import { type Stage, stageOf, stageTexts, termsOf } from "./stage.ts";

export interface SetupProps {
  readonly options: AwsOptions;
  /** Undefined while AWS has not said whose the token is. */
  readonly view: LicenceView | undefined;
  readonly contact: Contact | undefined;
  /** For the form. */
  readonly token: string;
  readonly said?: { readonly tone: "good" | "bad"; readonly text: string };
}

/** Where a buyer registers: the state and the terms of the subscription, when access comes, and whom to write to. */
export function SetupPage(props: SetupProps) {
  const { options, said } = props;
  const title = `Set up ${options.catalog.name}`;
  return (
    <Frame options={options} title={title}>
      <div class="heading">
        <h1>{title}</h1>
        <p>Thank you for subscribing in AWS Marketplace.</p>
      </div>
      {said === undefined ? null : <p class={`notice ${said.tone === "bad" ? "bad" : ""}`}>{said.text}</p>}
      <Progress view={props.view} />
      <div class="columns">
        <ContactForm {...props} />
        <Subscription {...props} />
      </div>
    </Frame>
  );
}

/** Asked for again by a script while it may change; without scripts there is a link. */
export function Progress({ view }: Pick<SetupProps, "view">) {
  const stage = stageOf(view);
  const { tone, word, text, passing } = stageTexts[stage];
  const poll = passing ? { "hx-get": "/aws/setup/progress", "hx-trigger": "every 2s", "hx-swap": "outerHTML" } : {};
  return (
    <section id="progress" aria-live="polite" aria-label="State of your subscription" {...poll}>
      <p class={`status ${tone}`}>
        <span class="badge">{word}</span> {text}
      </p>
      <Next stage={stage} />
    </section>
  );
}

function Next({ stage }: { readonly stage: Stage }) {
  if (stage === "ready") {
    return (
      <p>
        <a class="button" href="/dashboard">
          Open your dashboard
        </a>
      </p>
    );
  }
  if (stageTexts[stage].passing) {
    return (
      <p>
        <a class="button" href="/aws/setup">
          Check again
        </a>
      </p>
    );
  }
  return (
    <p>
      <a class="button" href={SUBSCRIPTIONS_URL} rel="noreferrer">
        Your subscriptions in AWS Marketplace
      </a>
    </p>
  );
}

function Subscription({ options, view }: SetupProps) {
  const product = findProduct(options.section, { productCode: view?.licence.product_code });
  const plan = product && findPlan(options.catalog, product.plan);
  const terms = view === undefined ? [] : termsOf(view, product);
  return (
    <section class="card" aria-labelledby="subscription-title">
      <h2 id="subscription-title">Your subscription</h2>
      <dl class="limits">
        <Term term="Product" text={options.catalog.name} />
        {plan === undefined ? null : <Term term="Plan" text={plan.name} />}
        {terms.map(({ term, text }) => (
          <Term key={term} term={term} text={text} />
        ))}
      </dl>
      <p>
        AWS bills everything, at the prices and terms that you accepted in AWS Marketplace. We ask for no payment data.
      </p>
      <p>
        <a href={SUBSCRIPTIONS_URL} rel="noreferrer">
          See prices and terms, or change the subscription, in AWS Marketplace
        </a>
      </p>
    </section>
  );
}

function Term({ term, text }: { readonly term: string; readonly text: string }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{text}</dd>
    </div>
  );
}

const FIELDS = [
  { name: "name", label: "Your name", type: "text", autocomplete: "name" },
  { name: "company", label: "Company", type: "text", autocomplete: "organization" },
  { name: "email", label: "E-mail address", type: "email", autocomplete: "email" },
] as const;

const attributesOf = (name: (typeof FIELDS)[number]["name"], autoComplete: string, contact: Contact | undefined) => ({
  id: name,
  name,
  autoComplete,
  maxLength: 200,
  value: contact?.[name] ?? "",
});

function ContactForm({ contact, token, view }: SetupProps) {
  if (stageOf(view) === "ended") return null;
  return (
    <section class="card" aria-labelledby="contact-title">
      <h2 id="contact-title">How we reach you</h2>
      <p class="intro">
        For news of your account only. Access does not wait for this form, and it is forgotten when your subscription
        ends.
      </p>
      <form method="post" action="/aws/setup/contact" class="contact">
        <input type="hidden" name="form_token" value={token} />
        {FIELDS.map(({ name, label, type, autocomplete }) => (
          <label key={name} for={name}>
            <span>{label}</span>
            {type === "email" ? (
              <input type="email" required {...attributesOf(name, autocomplete, contact)} />
            ) : (
              <input type="text" {...attributesOf(name, autocomplete, contact)} />
            )}
          </label>
        ))}
        <button type="submit" class="main">
          Save
        </button>
      </form>
    </section>
  );
}
