import type { ComponentChildren } from "preact";
import { Layout } from "../layout.tsx";
import { ActionForm } from "../parts.tsx";
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
  const corner = (
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
    <Layout title={title} product={view.product} head={head} corner={corner} footer={footer}>
      {children}
    </Layout>
  );
}
