import type { Request, RequestHandler, Response } from "express";
import { asProviderError } from "../../../errors.ts";
import type { Said } from "../../../marketplaces/marketplace.ts";
import { formToken } from "../../own-forms.ts";
import { sendPage } from "../../send-page.ts";
import { ConsolePage } from "../frame.tsx";
import { type ConsoleParts, crossing, personOf } from "../parts.ts";
import { acts, isAct } from "./acts.ts";
import { asCurl } from "./as-curl.ts";
import { sendTenantsCsv } from "./csv.ts";
import { findTenants, wantedIn } from "./find.ts";
import { TenantList } from "./list-page.tsx";
import { readTenantPage } from "./read.ts";
import { TenantPage } from "./tenant-page.tsx";
import type { Answered } from "./tenant-props.ts";
import { type Item, placeIn } from "./timeline.ts";

const LINES = 50;
/** A marketplace that is asked live has so long. */
const ASK_MS = 5_000;

/** The last steps of the routes that only show. */
export function tenantPages(parts: ConsoleParts) {
  const { clock, catalog, marketplaces } = parts;

  const list: RequestHandler = async (request, response) => {
    const wanted = wantedIn(request.query);
    const { cursor } = request.query;
    const store = crossing(parts, request, "looked for tenants");
    const found = await findTenants(store, wanted, typeof cursor === "string" ? cursor : undefined, LINES);
    const shown = { wanted, found, now: clock.now(), first: cursor === undefined, titleOf: (name: string) => name };
    sendPage(
      response,
      <ConsolePage parts={parts} request={request} title="Tenants" section="/console/tenants">
        <TenantList {...shown} />
      </ConsolePage>,
    );
  };

  const csv: RequestHandler = (request, response) =>
    sendTenantsCsv(crossing(parts, request, "exported tenants"), wantedIn(request.query), response);

  const show = async (request: Request, response: Response, answered?: Answered) => {
    const store = crossing(parts, request, "looked at the tenant");
    const read = await readTenantPage(store, String(request.params["id"]), placeIn(request.query["before"]));
    const marketplace = marketplaces.get(read.tenant.marketplace);
    const done = request.query["done"];
    const shown = {
      read,
      texts: await marketplace?.describe(read.tenant),
      catalog,
      person: personOf(request),
      token: formToken(request),
      asks: marketplace?.currentTruth !== undefined,
      answered,
      notice: isAct(done) ? acts[done].done : undefined,
      curlOf: (item: Item) => {
        const asked = askedIn(item);
        const inbound = asked && marketplace?.requestOf?.(read.tenant, asked);
        return inbound && asCurl(inbound);
      },
    };
    sendPage(
      response,
      <ConsolePage parts={parts} request={request} title={read.tenant.name || "Tenant"} section="/console/tenants">
        <TenantPage {...shown} />
      </ConsolePage>,
    );
  };

  const ask: RequestHandler = async (request, response) => {
    const found = await parts.provider.findTenant({ tenant: String(request.params["id"]) });
    const question = found && marketplaces.get(found.marketplace)?.currentTruth;
    const answered = found && question && (await inTime(question(found, AbortSignal.timeout(ASK_MS))));
    await show(request, response, answered);
  };

  return { list, csv, tenant: ((request, response) => show(request, response)) as RequestHandler, ask };
}

/** Which request of a marketplace an event tells of. */
function askedIn({ source, what, by, payload: target }: Item) {
  if (source !== "event" || !by.startsWith("marketplace:")) return undefined;
  if (what === "provision.requested") return { kind: "provision", target } as const;
  if (what === "plan.change_requested") return { kind: "change_plan", target } as const;
  return what === "deprovision.requested" ? ({ kind: "deprovision", target } as const) : undefined;
}

async function inTime(question: Promise<readonly Said[]>): Promise<Answered> {
  try {
    return { said: await question };
  } catch (fault) {
    return { fault: asProviderError(fault).message };
  }
}
