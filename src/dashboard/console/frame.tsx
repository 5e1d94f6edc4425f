import type { Request } from "express";
import type { ComponentChildren } from "preact";
import { Layout } from "../layout.tsx";
import { formToken } from "../own-forms.ts";
import { ActionForm } from "../parts.tsx";
import { type ConsoleParts, may, type Person, personOf, type Role } from "./parts.ts";

const sections = [
  { path: "/console", word: "Home", role: "viewer" },
  { path: "/console/tenants", word: "Tenants", role: "viewer" },
  { path: "/console/metering", word: "Metering", role: "viewer" },
  { path: "/console/usage", word: "Usage", role: "viewer" },
  { path: "/console/revenue", word: "Revenue", role: "viewer" },
  { path: "/console/deliveries", word: "Deliveries", role: "viewer" },
  { path: "/console/endpoints", word: "Endpoints", role: "viewer" },
  { path: "/console/marketplaces", word: "Marketplaces", role: "viewer" },
  { path: "/console/people", word: "People", role: "admin" },
  { path: "/console/audit", word: "Audit", role: "operator" },
] as const satisfies readonly { path: string; word: string; role: Role }[];

export type SectionPath = (typeof sections)[number]["path"];

interface ConsolePageProps {
  readonly title: string;
  /** Which entry of the navigation this page belongs to. */
  readonly section: SectionPath;
  readonly parts: ConsoleParts;
  readonly request: Request;
  readonly head?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** The frame of the console's pages: the navigation, who is signed in, and the way out. */
export function ConsolePage({ title, section, parts, request, head, children }: ConsolePageProps) {
  const person = personOf(request);
  return (
    <Layout
      title={title}
      product={`${parts.catalog.name} console`}
      head={head}
      corner={<Corner person={person} token={formToken(request)} />}
      below={<Navigation person={person} section={section} />}
      footer={<p>Times are UTC. What you look at here is kept in the audit, with your name.</p>}
    >
      {person.id === "token" ? <SharedToken /> : null}
      {children}
    </Layout>
  );
}

function Corner({ person, token }: { person: Person; token: string }) {
  return (
    <ActionForm class="corner" action="/console/sign-out" token={token}>
      <span class="who">{person.name}</span>
      <span class="badge">{person.role}</span>
      <button type="submit" class="plain">
        Sign out
      </button>
    </ActionForm>
  );
}

function Navigation({ person, section }: { person: Person; section: SectionPath }) {
  return (
    <nav class="sections" aria-label="Console">
      <ul>
        {sections
          .filter(({ role }) => may(person, role))
          .map(({ path, word }) => (
            <li key={path}>
              <a href={path} aria-current={path === section ? "page" : undefined}>
                {word}
              </a>
            </li>
          ))}
      </ul>
    </nav>
  );
}

function SharedToken() {
  return (
    <p class="notice warn">
      <strong>Signed in by the shared token.</strong> The audit cannot tell who of those that hold it you are. Changing
      it in the settings signs everybody out.
    </p>
  );
}
