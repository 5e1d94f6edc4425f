import { textIn } from "../../json.ts";
import { withApp, withTeam } from "../lookups.ts";
import { type Answer, invalid, notFound, ok, type Refusal } from "../model/answers.ts";
import { CUSTOMER_EMAIL, personOf } from "../model/apps.ts";
import type { App, Person, Team } from "../model/platform.ts";
import { personView } from "../model/views.ts";
import { page } from "../paging.ts";
import { announceCollaborator } from "../partner/events.ts";
import type { Call, Route } from "../route.ts";

const COLLABORATORS = "/apps/:app/collaborators";

export const peopleRoutes: readonly Route[] = [
  { method: "get", path: "/account", who: "customer", answer: account },
  { method: "get", path: "/account/rate-limits", who: "both", answer: () => ok({ remaining: 4_500 }) },
  {
    method: "get",
    path: "/teams",
    who: "customer",
    answer: (call) => page(call, [...call.platform.state.teams.values()].map(teamView)),
  },
  { method: "get", path: "/teams/:team", who: "both", answer: withTeam((_call, team) => ok(teamView(team))) },
  { method: "get", path: "/teams/:team/members", who: "both", answer: withTeam(listMembers) },
  { method: "get", path: COLLABORATORS, who: "both", answer: withApp(listCollaborators) },
  { method: "post", path: COLLABORATORS, who: "customer", answer: withApp(addCollaborator) },
  { method: "delete", path: `${COLLABORATORS}/:person`, who: "customer", answer: withApp(removeCollaborator) },
];

/** Whatever the key, it is one and the same customer. */
function account({ platform }: Call): Answer {
  const person = personOf(platform.state, CUSTOMER_EMAIL);
  return ok({ ...personView(person), name: "Customer", verified: true, two_factor_authentication: false, beta: false });
}

function teamView(team: Team) {
  return { id: team.id, name: team.name, type: "team", role: "admin" };
}

function listMembers(call: Call, team: Team): Answer {
  const members = team.members.map((person, index) => ({
    id: person.id,
    email: person.email,
    role: index === 0 ? "admin" : "member",
    federated: false,
    two_factor_authentication: false,
    user: { ...personView(person), name: null },
  }));
  return page(call, members);
}

/** The owner is listed too. */
function listCollaborators(call: Call, app: App): Answer {
  return page(
    call,
    [app.owner, ...app.collaborators.values()].map((person) => collaboratorView(app, person)),
  );
}

function addCollaborator({ platform, body }: Call, app: App): Answer | Refusal {
  const email = textIn(body, "user");
  if (email === undefined || !email.includes("@")) return invalid("user must be an e-mail address.");
  const person = personOf(platform.state, email);
  app.collaborators.set(person.id, person);
  announceCollaborator(platform, app, person, "create");
  return ok(collaboratorView(app, person), 201);
}

function removeCollaborator({ platform, params }: Call, app: App): Answer | Refusal {
  const person = [...app.collaborators.values()].find(
    (one) => one.id === params["person"] || one.email === params["person"],
  );
  if (person === undefined) return notFound("collaborator");
  app.collaborators.delete(person.id);
  announceCollaborator(platform, app, person, "destroy");
  return ok(collaboratorView(app, person));
}

function collaboratorView(app: App, person: Person) {
  return {
    id: `${app.id}-${person.id}`,
    app: { id: app.id, name: app.name },
    role: person === app.owner ? "owner" : "member",
    user: { ...personView(person), federated: false },
    created_at: app.createdAt.toISOString(),
    updated_at: app.createdAt.toISOString(),
  };
}
