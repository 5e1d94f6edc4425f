import { randomUUID } from "node:crypto";
import { prefixOf } from "./manifest.ts";
import { isAppName } from "./names.ts";
import type { Addon, App, Attachment, Person, Platform, State, Team } from "./platform.ts";

export const CUSTOMER_EMAIL = "customer@example.com";

export function personOf(state: State, email: string): Person {
  const known = [...state.people.values()].find((person) => person.email === email);
  const person = known ?? { id: randomUUID(), email };
  state.people.set(person.id, person);
  return person;
}

export function teamOf(state: State, name: string): Team {
  const known = [...state.teams.values()].find((team) => team.name === name);
  const members = known ? [] : [CUSTOMER_EMAIL, "colleague@example.com"].map((email) => personOf(state, email));
  const team = known ?? { id: randomUUID(), name, members };
  state.teams.set(team.id, team);
  return team;
}

export function findApp(state: State, idOrName: string): App | undefined {
  return state.apps.get(idOrName) ?? [...state.apps.values()].find((app) => app.name === idOrName);
}

export interface NewApp {
  readonly name: string;
  readonly region?: string;
  readonly team?: Team;
}

/** A team's app belongs to the team's own user, as on the platform. */
export function createApp(platform: Platform, { name, region = "us", team }: NewApp): App {
  const { state, clock } = platform;
  const app: App = {
    id: randomUUID(),
    name,
    region,
    owner: personOf(state, team ? `${team.name}@herokumanager.com` : CUSTOMER_EMAIL),
    team: team ?? null,
    collaborators: new Map(),
    ownVars: new Map(),
    createdAt: clock.now(),
    release: 1,
  };
  state.apps.set(app.id, app);
  return app;
}

/** Apps need no preparation here: naming one makes it. Undefined when the name cannot be an app's. */
export function findOrCreateApp(platform: Platform, idOrName: string): App | undefined {
  return (
    findApp(platform.state, idOrName) ?? (isAppName(idOrName) ? createApp(platform, { name: idOrName }) : undefined)
  );
}

export function attachmentsOfApp(state: State, app: App): readonly Attachment[] {
  return [...state.attachments.values()].filter((attachment) => attachment.app === app);
}

export function attachmentsOfAddon(state: State, addon: Addon): readonly Attachment[] {
  return [...state.attachments.values()].filter((attachment) => attachment.addon === addon);
}

/** `FAST_DB_URL` as the app sees it through an attachment called `PRIMARY_DB`: `PRIMARY_DB_URL`. */
export function nameThrough(attachment: Attachment, prefix: string, name: string): string {
  return name.startsWith(prefix) ? `${attachment.name}${name.slice(prefix.length)}` : name;
}

/** The environment of the app: the customer's own variables, and those of every finished add-on attached to it. */
export function configVarsOf(state: State, app: App): Readonly<Record<string, string>> {
  const prefix = prefixOf(state.manifest);
  const attached = attachmentsOfApp(state, app)
    .filter((attachment) => attachment.addon.state === "provisioned")
    .flatMap((attachment) =>
      [...attachment.addon.config].map(([name, value]) => [nameThrough(attachment, prefix, name), value] as const),
    );
  return Object.fromEntries([...app.ownVars, ...attached]);
}

/** New config vars restart every app that sees them. */
export function releaseApps(state: State, addon: Addon): void {
  for (const attachment of attachmentsOfAddon(state, addon)) attachment.app.release += 1;
}
