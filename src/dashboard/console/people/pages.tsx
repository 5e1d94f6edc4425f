import type { Request, RequestHandler, Response } from "express";
import type { ComponentChildren } from "preact";
import { errorFacts, ProviderError } from "../../../errors.ts";
import { formOf } from "../../../http/body.ts";
import { fieldOf, formToken } from "../../own-forms.ts";
import { sendPage } from "../../send-page.ts";
import { emailIn } from "../access/entrance.ts";
import { ConsolePage } from "../frame.tsx";
import { OvertakenPage } from "../overtaken-page.tsx";
import { type ConsoleParts, crossing, personOf, roles } from "../parts.ts";
import { ChangePage, type ChangeProps, titles } from "./change-page.tsx";
import { PeoplePage } from "./people-page.tsx";
import { type Changed, changePerson, type PersonAct, type PersonChange, readPeople } from "./read.ts";

const LONGEST_REASON = 300;
const done: Readonly<Record<PersonAct, string>> = {
  add: "Added.",
  role: "The role is changed.",
  remove: "Removed, and signed out everywhere.",
};

/** The last steps of the routes. */
export function peoplePages(parts: ConsoleParts) {
  const send = (request: Request, response: Response, title: string, page: ComponentChildren, status = 200) =>
    sendPage(
      response,
      <ConsolePage parts={parts} request={request} title={title} section="/console/people">
        {page}
      </ConsolePage>,
      status,
    );

  const list: RequestHandler = async (request, response) => {
    const found = await readPeople(crossing(parts, request, "looked at who may come in"));
    const notice = doneIn(request.query["done"]);
    const shown = { found, now: parts.clock.now(), notice, ways: parts.identityProviders };
    send(request, response, "People", <PeoplePage {...shown} />);
  };

  const show = async (request: Request, response: Response, act: PersonAct, more: Partial<ChangeProps> = {}) => {
    const { version, people } = await readPeople(crossing(parts, request, `${titles[act]}: looked at who may come in`));
    const person = act === "add" ? undefined : people.find(({ email }) => email === request.params["email"]);
    if (act !== "add" && person === undefined) throw nobody();
    const shown = { act, person, version, token: formToken(request), ...more };
    send(request, response, titles[act], <ChangePage {...shown} />, more.fault === undefined ? 200 : 422);
  };

  const perform = async (request: Request, response: Response, act: PersonAct) => {
    const form = formIn(request, act);
    const fault = faultOf(form, act);
    const again = (fault: string) => show(request, response, act, { fault, filled: { ...form, email: form.typed } });
    if (fault !== undefined) return again(fault);
    const guarded = parts.operatorToken === undefined;
    const { email, role, version, reason } = form;
    const change: PersonChange = { act, email: email ?? "", role, version, reason, guarded };
    const changed = await changePerson(crossing(parts, request, reason), change);
    if (changed.outcome === "there") return again(`${email} may come in already. Change the role instead.`);
    if (changed.outcome === "last_admin") return again(LAST_ADMIN);
    if (changed.outcome === "overtaken") return tellOvertaken(request, response, act, changed);
    const own = personOf(request).id === email && act === "remove";
    response.redirect(303, own ? "/console" : `/console/people?done=${act}`);
  };

  const tellOvertaken = (
    request: Request,
    response: Response,
    act: PersonAct,
    { since }: Changed & { readonly outcome: "overtaken" },
  ) => {
    const over = "That e-mail is not among the people any more.";
    const told = { title: titles[act], since, over, back: "/console/people", now: parts.clock.now() };
    const page = <OvertakenPage {...told} />;
    send(request, response, "Something happened meanwhile", page, errorFacts.request_conflict.status);
  };

  return {
    list,
    confirm: (act: PersonAct) => ((request, response) => show(request, response, act)) as RequestHandler,
    perform: (act: PersonAct) => ((request, response) => perform(request, response, act)) as RequestHandler,
  };
}

const LAST_ADMIN =
  "Nobody else is admin, and no OPERATOR_TOKEN is set: then nobody could say who may come in. Make somebody else admin first.";

function formIn(request: Request, act: PersonAct) {
  const typed = act === "add" ? fieldOf(request, "email").trim() : String(request.params["email"]);
  const version = Number(fieldOf(request, "version"));
  if (!Number.isSafeInteger(version) || version < 0) throw malformed();
  const chosen = act === "remove" ? undefined : formOf(request).get("role")?.[0];
  return {
    typed,
    email: emailIn(typed),
    role: roles.find((role) => role === chosen),
    version,
    reason: fieldOf(request, "reason").trim().slice(0, LONGEST_REASON),
  };
}

function faultOf({ email, role, reason }: ReturnType<typeof formIn>, act: PersonAct): string | undefined {
  if (email === undefined) return "That is no e-mail that the console can take: plain letters, one @.";
  if (act !== "remove" && role === undefined) return "Choose one of the roles.";
  return reason === "" ? "Please say why: whoever reads the audit later will want to know." : undefined;
}

function doneIn(given: unknown): string | undefined {
  return given === "add" || given === "role" || given === "remove" ? done[given] : undefined;
}

const nobody = () => new ProviderError("route_not_found", "Nobody of that e-mail is among the people.");
const malformed = () => new ProviderError("request_malformed", "This form is not one of ours. Nothing was done.");
