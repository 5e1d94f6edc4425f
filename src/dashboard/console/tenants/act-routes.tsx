import type { Request, RequestHandler, Response } from "express";
import { errorFacts, ProviderError } from "../../../errors.ts";
import { formOf } from "../../../http/body.ts";
import { requestId } from "../../../http/request-log.ts";
import { isTenantId, type OperatorStore } from "../../../isolation/isolation.ts";
import type { Tenant } from "../../../tenants/tenants.ts";
import { UUID } from "../../../uuid.ts";
import { fieldOf, formToken } from "../../own-forms.ts";
import { sendPage } from "../../send-page.ts";
import { ConsolePage } from "../frame.tsx";
import { OvertakenPage } from "../overtaken-page.tsx";
import { type ConsoleParts, crossing, personOf } from "../parts.ts";
import { type Admitted, admit } from "./act.ts";
import { ConfirmPage, type ConfirmProps } from "./act-pages.tsx";
import { type ActName, acts, homeOf, isOverlap } from "./acts.ts";
import { readTenantPage } from "./read.ts";

const VIEW_MS = 30 * 60_000;
const LONGEST_REASON = 300;

interface Form {
  readonly reason: string;
  readonly version: number;
  readonly operation: string | undefined;
  readonly call: number | undefined;
  readonly plan: string | undefined;
  readonly overlap: string | undefined;
  readonly typed: string | undefined;
}

/** The page before an act, and the act. */
export function actRoutes(parts: ConsoleParts, name: ActName) {
  const act = acts[name];

  const show = async (request: Request, response: Response, more: Partial<ConfirmProps> = {}, status = 200) => {
    const store = crossing(parts, request, `${act.title}: looked at the tenant`);
    const read = await readTenantPage(store, String(request.params["id"]));
    const shown = { read, act: name, catalog: parts.catalog, token: formToken(request), ...more };
    sendPage(
      response,
      <ConsolePage parts={parts} request={request} title={act.title} section="/console/tenants">
        <ConfirmPage {...shown} />
      </ConsolePage>,
      status,
    );
  };

  const confirm: RequestHandler = async (request, response) => {
    const { operation, call } = request.query;
    const target = { operation: textOf(operation), call: textOf(call) };
    await show(request, response, { target });
  };

  const perform: RequestHandler = async (request, response) => {
    const tenant = String(request.params["id"]);
    const form = formIn(request);
    const store = crossing(parts, request, form.reason || act.title);
    const fault = await faultOf(parts, name, tenant, form);
    if (fault !== undefined) {
      const target = { operation: form.operation, call: form.call === undefined ? undefined : String(form.call) };
      return show(request, response, { fault, filled: { reason: form.reason }, target }, 422);
    }
    const until = name === "view" ? new Date(store.operator.at.getTime() + VIEW_MS) : undefined;
    const { reason, version, operation, call } = form;
    const wish = { act: name, reason, operation, call, until, version: name === "view" ? undefined : version };
    const admitted = await admit(store, tenant, wish);
    if (!admitted.done) return tellOvertaken(request, response, admitted);
    if (until !== undefined) return openView(request, response, tenant, until);
    await act.run?.(parts.provider, commandOf(store, tenant, request), form, store);
    response.redirect(303, `${homeOf(tenant, name)}?done=${name}`);
  };

  const tellOvertaken = (request: Request, response: Response, { since }: Admitted & { readonly done: false }) => {
    const tenant = String(request.params["id"]);
    const over = "What was to be tried again is over by now.";
    const told = { title: act.title, since, over, back: homeOf(tenant, name), now: parts.clock.now() };
    sendPage(
      response,
      <ConsolePage parts={parts} request={request} title="Something happened meanwhile" section="/console/tenants">
        <OvertakenPage {...told} />
      </ConsolePage>,
      errorFacts.request_conflict.status,
    );
  };

  const openView = async (request: Request, response: Response, tenant: string, until: Date) => {
    const { id } = personOf(request);
    const viewing = { by: id, until: until.toISOString() };
    await parts.customerSessions.open(response, { tenant, person: { id: `operator:${id}`, email: id }, viewing });
    response.redirect(303, "/dashboard");
  };

  return { confirm, perform };
}

const commandOf = ({ operator: { by, at } }: OperatorStore, tenant: string, request: Request) => ({
  ref: { tenant },
  by,
  at,
  request: requestId(request),
});

/** What must be right before anything is asked for; worded for whoever fills the form in. */
async function faultOf(parts: ConsoleParts, name: ActName, id: string, form: Form): Promise<string | undefined> {
  if (form.reason === "") return "Please say why: whoever looks at this tenant later will want to know.";
  const tenant = isTenantId(id) ? await parts.provider.findTenant({ tenant: id }) : undefined;
  if (tenant === undefined) throw new ProviderError("tenant_not_found", "There is no such tenant.");
  if (!acts[name].states.includes(tenant.state)) return `This makes no sense while the tenant is ${tenant.state}.`;
  if (name === "deprovision" && form.typed !== tenant.resourceId)
    return "That is not its resource_id. Nothing was done.";
  if (name === "change_plan") return planFault(parts, tenant, form);
  if (name === "rotate" && !isOverlap(form.overlap)) return "Choose one of the times that are offered.";
  if (name === "retry" && form.operation === undefined && form.call === undefined)
    return "There is nothing to try again.";
  return undefined;
}

function planFault({ catalog }: ConsoleParts, tenant: Tenant, { plan }: Form): string | undefined {
  if (plan === undefined || !catalog.plans.some(({ id }) => id === plan)) return "Choose one of the plans.";
  return plan === tenant.plan ? "That is the plan it has." : undefined;
}

function formIn(request: Request): Form {
  const optional = (name: string) => formOf(request).get(name)?.[0];
  const version = Number(fieldOf(request, "version"));
  if (!Number.isSafeInteger(version) || version < 0) throw malformed();
  return {
    reason: fieldOf(request, "reason").trim().slice(0, LONGEST_REASON),
    version,
    operation: checked(optional("operation"), UUID),
    call: numberOf(checked(optional("call"), /^[1-9]\d{0,14}$/)),
    plan: optional("plan"),
    overlap: optional("overlap"),
    typed: optional("typed")?.trim(),
  };
}

const numberOf = (text: string | undefined) => (text === undefined ? undefined : Number(text));
const textOf = (given: unknown) => (typeof given === "string" ? given : undefined);

function checked(text: string | undefined, shape: RegExp): string | undefined {
  if (text === undefined || shape.test(text)) return text;
  throw malformed();
}

const malformed = () => new ProviderError("request_malformed", "This form is not one of ours. Nothing was done.");
