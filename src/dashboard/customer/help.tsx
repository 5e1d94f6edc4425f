import type { ComponentChildren } from "preact";
import { Card, WayThere } from "../parts.tsx";
import type { CustomerView } from "./view.ts";

/** Where to read, where to look, whom to ask with all that they will ask for, and how the purchase ends. */
export function HelpCard({ view }: { view: CustomerView }) {
  const { help, product, tenant, texts } = view;
  return (
    <Card id="help" title="Help">
      <ul class="links">
        {help?.docs === undefined ? null : <Link to={help.docs}>Documentation</Link>}
        {help?.status === undefined ? null : <Link to={help.status}>Is {product} up?</Link>}
        {help?.email === undefined ? null : <Link to={mailTo(help.email, view)}>Write to {help.email}</Link>}
      </ul>
      <p>Whoever helps you will ask for these. An error page also names its request: add that.</p>
      <dl class="limits ids">
        <div>
          <dt>Tenant</dt>
          <dd>
            <code>{tenant.id}</code>
          </dd>
        </div>
        <div>
          <dt>Purchase in {texts.title}</dt>
          <dd>
            <code>{tenant.resourceId}</code>
          </dd>
        </div>
      </dl>
      <details>
        <summary>Cancelling and refunds</summary>
        <p>
          {product} is cancelled by removing it in {texts.title}, which sends the invoice and stops it. {help?.refunds}
        </p>
        <WayThere way={texts.ways.remove} words={`Remove it in ${texts.title}`} />
      </details>
    </Card>
  );
}

function Link({ to, children }: { to: string; children: ComponentChildren }) {
  return (
    <li>
      <a href={to}>{children}</a>
    </li>
  );
}

/** A letter that says already what it is about; no secret is in it. */
function mailTo(address: string, { tenant, texts, product }: CustomerView): string {
  const subject = `Help with ${tenant.name || product}`;
  const body = [
    "",
    "",
    `Tenant: ${tenant.id}`,
    `Purchase in ${texts.title}: ${tenant.resourceId}`,
    `Plan: ${tenant.plan}`,
    "Request, from the error page: ",
  ].join("\r\n");
  return `mailto:${address}?subject=${encodeURIComponent(subject)}&body=${encodeURIComponent(body)}`;
}
