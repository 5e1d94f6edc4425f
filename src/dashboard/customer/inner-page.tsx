import type { ComponentChildren } from "preact";
import { CustomerLayout } from "./customer-layout.tsx";
import type { CustomerView } from "./view.ts";

export interface Page {
  readonly view: CustomerView;
  readonly token: string;
}

interface InnerPageProps extends Page {
  readonly title: string;
  /** The card on the dashboard that it belongs to. */
  readonly back: string;
  readonly children: ComponentChildren;
}

/** A page behind a card of the dashboard. */
export function InnerPage({ view, token, title, back, children }: InnerPageProps) {
  return (
    <CustomerLayout title={title} view={view} token={token}>
      <div class="heading">
        <p class="way-back">
          <a href={`/dashboard#${back}`}>← Back to {view.tenant.name || view.product}</a>
        </p>
        <h1>{title}</h1>
      </div>
      {children}
    </CustomerLayout>
  );
}
