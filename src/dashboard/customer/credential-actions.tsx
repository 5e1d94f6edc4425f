import type { Request, RequestHandler, Response } from "express";
import { type Access, type Credential, CUSTOMER_SCOPES } from "../../credentials/credentials.ts";
import { ProviderError } from "../../errors.ts";
import type { Issued } from "../../provider/contract.ts";
import { isUuid } from "../../uuid.ts";
import type { DashboardOptions } from "../options.ts";
import { fieldOf, formToken } from "../own-forms.ts";
import { sendPage } from "../send-page.ts";
import { CredentialPage, IssuedPage, IssuePage, kindsToIssue } from "./credential-pages.tsx";
import { backWith } from "./notices.ts";
import { isOverlap } from "./overlaps.tsx";
import { commandOn, signedInOn } from "./signed-in.ts";
import { loadView } from "./view.ts";

/** The last steps of the routes of single credentials. Each goes through the provider, in the name of the person. */
export function credentialActions(options: DashboardOptions) {
  const { provider, sessions } = options;

  const commandOf = (request: Request) => commandOn(options, request);
  const viewOf = (request: Request) => loadView(options, signedInOn(sessions, request), { size: 1 });

  /** One in use, of this tenant: another's is as good as none. */
  const inUse = async (request: Request, id: string): Promise<Credential> => {
    const { ref } = commandOf(request);
    const found = isUuid(id) ? (await provider.listCredentials(ref)).find((one) => one.id === id) : undefined;
    if (found?.state === "active") return found;
    throw new ProviderError("credential_not_found", "There is no such credential in use.");
  };

  const show = async (request: Request, response: Response, issued: Issued): Promise<void> => {
    sendPage(response, <IssuedPage view={await viewOf(request)} token={formToken(request)} {...issued} />);
  };

  const form: RequestHandler = async (request, response) => {
    sendPage(response, <IssuePage view={await viewOf(request)} token={formToken(request)} />);
  };

  const page: RequestHandler = async (request, response) => {
    const credential = await inUse(request, String(request.params["id"]));
    const view = await viewOf(request);
    sendPage(response, <CredentialPage view={view} token={formToken(request)} credential={credential} />);
  };

  const issue: RequestHandler = async (request, response) => {
    const access = fieldOf(request, "access");
    const kind = fieldOf(request, "kind");
    if (!isAccess(access) || !kindsToIssue(options).includes(kind))
      throw new ProviderError("request_malformed", "Choose one of what is offered.");
    const name = fieldOf(request, "name").trim();
    const wish = { kind, name, access, grantable: CUSTOMER_SCOPES };
    await show(request, response, await provider.issueCredential({ ...commandOf(request), ...wish }));
  };

  const rotate: RequestHandler = async (request, response) => {
    const overlap = fieldOf(request, "overlap");
    if (!isOverlap(overlap)) throw new ProviderError("request_malformed", "Choose one of the times that are offered.");
    const credential = await inUse(request, fieldOf(request, "credential"));
    const command = { ...commandOf(request), overlapSeconds: Number(overlap) };
    if (credential.named) {
      const reissued = await provider.reissueCredential({ ...command, credential: credential.id });
      return show(request, response, reissued);
    }
    const { kind } = await provider.rotateCredentials({ ...command, kind: credential.kind });
    backWith(response, kind === "done" ? "rotated" : "rotating");
  };

  /** One of a config var is never left without a successor. */
  const revoke: RequestHandler = async (request, response) => {
    if (fieldOf(request, "sure") !== "yes") throw new ProviderError("request_malformed", "Say that you are sure.");
    const credential = await inUse(request, fieldOf(request, "credential"));
    const command = commandOf(request);
    if (credential.named) await provider.revokeCredential({ ...command, credential: credential.id });
    else await provider.rotateCredentials({ ...command, kind: credential.kind, overlapSeconds: 0 });
    backWith(response, credential.named ? "revoked" : "replaced");
  };

  return { form, page, issue, rotate, revoke };
}

const isAccess = (text: string): text is Access => text === "read" || text === "full";
