import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { RequestHandler } from "express";
import { ProviderError } from "../../errors.ts";
import { toldOf } from "../../events/envelope.ts";
import { recentEvents } from "../../events/events.ts";
import { cursorAfter, recordJson, type UsageRecord } from "../../metering/read.ts";
import type { SignedIn } from "../../sso/sso.ts";
import type { DashboardOptions } from "../options.ts";
import { actorOf, sentenceOf } from "./sentences.ts";
import { commandOn, signedInOn } from "./signed-in.ts";
import { type CustomerView, loadView } from "./view.ts";

/** Rows of one look into the database: what is exported is never in memory as a whole. */
const PAGE = 500;
/** At once, of one process. */
const MOST = 4;

/** All that is kept of the tenant, a JSON object to a line, without the value of any credential. The last line says so. */
export function exportData(options: DashboardOptions): RequestHandler {
  let open = 0;
  return async function sendExport(request, response) {
    if (open >= MOST) throw new ProviderError("rate_limited", "Others are exporting just now.", { retryAfter: 30 });
    open += 1;
    try {
      await options.provider.noteExport(commandOn(options, request));
      const who = signedInOn(options.sessions, request);
      const view = await loadView(options, who, { size: 1 });
      response.setHeader("Cache-Control", "no-store");
      response.attachment(`${options.catalog.id}-${who.tenant}.ndjson`).type("application/x-ndjson");
      await pipeline(Readable.from(textOf(linesOf(options, who, view))), response).catch(ignoreGone);
    } finally {
      open -= 1;
    }
  };
}

/** Whoever goes away in the middle has broken off nothing but this. */
function ignoreGone(fault: NodeJS.ErrnoException): void {
  if (fault.code !== "ERR_STREAM_PREMATURE_CLOSE") throw fault;
}

async function* textOf(lines: AsyncIterable<object>): AsyncGenerator<string> {
  for await (const line of lines) yield `${JSON.stringify(line)}\n`;
}

async function* linesOf(options: DashboardOptions, who: SignedIn, view: CustomerView): AsyncGenerator<object> {
  yield* factsOf(view);
  yield* usageOf(options, who);
  yield* eventsOf(options, who, view);
  yield { kind: "end", exported_at: view.now };
}

function* factsOf({ tenant, texts, plan, limits, ...view }: CustomerView): Generator<object> {
  const { id, marketplace, resourceId: resource_id, region, state, reason, name, facts, options } = tenant;
  const { createdAt: created_at, entitledUntil: entitled_until } = tenant;
  const said = {
    id,
    marketplace,
    resource_id,
    region,
    state,
    reason,
    name,
    facts,
    options,
    created_at,
    entitled_until,
  };
  yield { kind: "tenant", product: view.product, ...said };
  yield { kind: "plan", id: tenant.plan, name: plan?.name, price: plan?.price, limits, terms: texts.terms ?? [] };
  yield { kind: "config_vars", names: view.configVars };
  for (const { id, email, role } of view.people) yield { kind: "person", id, email, role };
  for (const one of view.credentials) {
    const { createdAt: issued_at, retiresAt: retires_at, lastUsedAt: last_used_at, ...rest } = one;
    const { id, name, kind: type, access, scopes, state, hint: ends_with } = rest;
    const dates = { issued_at, retires_at, last_used_at };
    yield { kind: "credential", id, name, type, access, scopes, state, ends_with, ...dates };
  }
  for (const { raisedAt: raised_at, ...alert } of view.alerts) yield { kind: "alert", ...alert, raised_at };
  for (const included of view.included) yield { kind: "included", ...included };
}

async function* usageOf({ provider }: DashboardOptions, { tenant }: SignedIn): AsyncGenerator<object> {
  let after: string | undefined;
  for (;;) {
    const page: readonly UsageRecord[] = await provider.listUsage({ tenant, after, limit: PAGE });
    for (const { tenant: _, ...record } of page.map(recordJson)) yield { kind: "usage", ...record };
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = cursorAfter(last);
  }
}

/** Newest first, as on the page: of each what the catalogue names, and of the vendor's people no name. */
async function* eventsOf(
  { store }: DashboardOptions,
  { tenant }: SignedIn,
  view: CustomerView,
): AsyncGenerator<object> {
  let before: number | undefined;
  for (;;) {
    const page = await store.asTenant(tenant, (tx) => recentEvents(tx, PAGE, { before, forCustomer: true }));
    for (const event of page) {
      const { sequence, id, type, at } = event;
      const told = { by: actorOf(event, view), says: sentenceOf(event, view), data: toldOf(event) };
      yield { kind: "event", sequence, id, type, at, ...told };
    }
    before = page.at(-1)?.sequence;
    if (before === undefined || page.length < PAGE) return;
  }
}
