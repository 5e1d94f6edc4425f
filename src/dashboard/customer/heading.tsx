import type { CustomerView } from "./view.ts";

/** What was bought, for which app, from whom, and the way back. */
export function Heading({ view: { tenant, texts, product } }: { view: CustomerView }) {
  const facts = [
    { term: "Marketplace", text: texts.title },
    { term: "App", text: texts.appName },
    { term: "Owner", text: texts.owner },
    { term: "Region", text: tenant.region },
  ];
  return (
    <div class="heading">
      <div class="way-back" id={texts.headerId}>
        {texts.backUrl === undefined ? null : <a href={texts.backUrl}>← Back to {texts.title}</a>}
      </div>
      <h1>{tenant.name || product}</h1>
      <dl class="facts">
        {facts.map(({ term, text }) =>
          text ? (
            <div key={term}>
              <dt>{term}</dt>
              <dd>{text}</dd>
            </div>
          ) : null,
        )}
      </dl>
    </div>
  );
}
