import type { ComponentChildren } from "preact";
import { Layout } from "../layout.tsx";
import { ActionForm } from "../parts.tsx";
import { fromNow } from "../time.tsx";
import { EndingBanner } from "./ending.tsx";
import type { CustomerView } from "./view.ts";

interface CustomerLayoutProps {
  readonly title: string;
  readonly view: CustomerView;
  readonly token: string;
  readonly head?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** The frame of the customer's pages: who is signed in, and what to name when asking for help. */
export function CustomerLayout({ title, view, token, head, children }: CustomerLayoutProps) {
  const corner = view.viewing ? (
    <a class="button" href={`/console/tenants/${view.tenant.id}`}>
      Back to the console
    </a>
  ) : (
    <ActionForm class="corner" action="/dashboard/sign-out" token={token}>
      <span class="who">{view.person.email}</span>
      <button type="submit" class="plain">
        Sign out
      </button>
    </ActionForm>
  );
  const footer = (
    <p>
      Should you ask {view.product} for help, name this tenant: <code>{view.tenant.id}</code>
    </p>
  );
  return (
    <Layout
      title={title}
      product={view.product}
      environment={view.environment}
      head={head}
      corner={corner}
      footer={footer}
    >
      {view.viewing === undefined ? null : <ViewingBanner {...view.viewing} now={view.now} name={view.tenant.name} />}
      <EndingBanner view={view} />
      {children}
    </Layout>
  );
}

interface ViewingProps {
  readonly by: string;
  readonly until: string;
  readonly now: Date;
  readonly name: string;
}

/** On every page of an operator who looks on. */
function ViewingBanner({ by, until, now, name }: ViewingProps) {
  return (
    <p class="status wait" role="note">
      <strong class="badge">Viewing as the customer</strong> {by} sees what the customer of {name || "this tenant"}{" "}
      sees, read-only. It ends {fromNow(new Date(until), now)}; the customer sees in the activity that you were here.
    </p>
  );
}
