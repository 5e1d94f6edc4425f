import type { Request, RequestHandler } from "express";
import { errorFacts, ProviderError } from "../../errors.ts";
import type { TenantCommand } from "../../provider/contract.ts";
import type { DashboardOptions } from "../options.ts";
import { fieldOf, formToken } from "../own-forms.ts";
import { sendPage } from "../send-page.ts";
import { backWith } from "./notices.ts";
import { OverviewPage } from "./overview.tsx";
import { FEW_EVENTS } from "./pages.tsx";
import { signedInOn } from "./signed-in.ts";
import { loadView } from "./view.ts";

/** What the person can mend, or try again: said beside the field, and what was pasted stays there. */
const SAID_IN_PLACE = new Set(["aws_role_refused", "request_malformed", "aws_unavailable", "aws_refused"]);
const ACCESS_KEY = /A[KS]IA[A-Z0-9]{12,}/;

/** The last steps of what the card of AWS does. */
export function awsActions(options: DashboardOptions, commandOf: (request: Request) => TenantCommand) {
  const { provider, sessions } = options;

  const offer: RequestHandler = async (request, response) => {
    await provider.offerAwsConnection(commandOf(request));
    backWith(response, "aws-offered");
  };

  const connect: RequestHandler = async (request, response) => {
    const roleArn = fieldOf(request, "role_arn");
    try {
      await provider.connectAws({ ...commandOf(request), roleArn });
      return backWith(response, "aws-connected");
    } catch (fault) {
      if (!(fault instanceof ProviderError && SAID_IN_PLACE.has(fault.code))) throw fault;
      const view = await loadView(options, signedInOn(sessions, request), { size: FEW_EVENTS });
      const refused = { roleArn: ACCESS_KEY.test(roleArn) ? "" : roleArn, reason: fault.message };
      const page = <OverviewPage view={view} token={formToken(request)} refusedRole={refused} />;
      sendPage(response, page, errorFacts[fault.code].status);
    }
  };

  const disconnect: RequestHandler = async (request, response) => {
    await provider.disconnectAws(commandOf(request));
    backWith(response, "aws-disconnected");
  };

  const template: RequestHandler = async (request, response) => {
    const { tenant: id } = signedInOn(sessions, request);
    const plan = (await provider.findTenant({ tenant: id }))?.plan ?? "";
    const text = `${JSON.stringify(await provider.awsTemplate({ id, plan }), undefined, 2)}\n`;
    response.setHeader("Cache-Control", "no-store");
    response.attachment(`${options.catalog.id}-role.template.json`).send(text);
  };

  return { offer, connect, disconnect, template };
}
