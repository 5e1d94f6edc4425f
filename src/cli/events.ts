import { readManifestFile } from "../compose.ts";
import { readSettings } from "../config.ts";
import { ProviderError } from "../errors.ts";
import { eventTypes } from "../events/catalogue.ts";
import { isTenantId } from "../isolation/isolation.ts";
import { findEndpoint } from "../subscriptions/endpoints.ts";
import { replayEvents } from "../subscriptions/history.ts";
import { makeUp } from "../subscriptions/listener.ts";
import { checkTypes } from "../subscriptions/wishes.ts";
import { asOperator } from "./operator-database.ts";
import { withServiceClock } from "./service-clock.ts";

interface TriggerOptions {
  readonly tenant?: string;
  readonly json?: boolean;
}

/** Makes an event up, plainly marked, for endpoints marked for tests and for whoever listens. Never in production. */
export async function trigger(type: string, { tenant, json }: TriggerOptions): Promise<void> {
  const settings = readSettings();
  if (settings.production)
    throw new ProviderError(
      "not_permitted",
      "Events are not made up in production. `POST /v1/endpoints/:id/test` tries one endpoint.",
    );
  const known = eventTypes.find((one) => one === type);
  if (known === undefined)
    throw new ProviderError("request_malformed", `There is no type ${type}. Known: ${eventTypes.join(", ")}.`);
  if (tenant !== undefined && !isTenantId(tenant))
    throw new ProviderError("request_malformed", `${tenant} is no id of a tenant.`);
  const speaker = { publicUrl: settings.publicUrl, serviceId: (await readManifestFile()).catalog.id };
  const { event, receivers } = await withServiceClock(settings, (clock) =>
    asOperator(settings, "events trigger", (store) => makeUp({ store, clock, speaker }, known, tenant)),
  );
  if (json) process.stdout.write(`${JSON.stringify({ event, receivers })}\n`);
  else
    process.stdout.write(`Made up ${type} (${event.id}) for ${receivers} receivers.\n${receivers === 0 ? NOBODY : ""}`);
}

const NOBODY = "Nobody hears it: run `stallholder listen`, or mark an endpoint with `test: true`.\n";

interface ReplayOptions {
  readonly endpoint: string;
  readonly since: Date;
  readonly type?: readonly string[];
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Owes an endpoint past events again, also those it has taken: the worker sends them, in order and under their own ids. */
export async function replay(options: ReplayOptions): Promise<void> {
  const { endpoint, since, type: types, dryRun: dry = false, json } = options;
  const settings = readSettings();
  checkTypes(types);
  const total = { events: 0, owed: 0 };
  const { state } = await withServiceClock(settings, (clock) =>
    asOperator(settings, "events replay", async (store) => {
      const found = await findEndpoint(store, endpoint);
      for await (const page of replayEvents(store, clock, endpoint, { since, types, all: true, dry })) {
        total.events += page.events;
        total.owed += page.owed;
        if (page.after !== null) showProgress(since, new Date(page.after.at), clock.now(), total.events);
      }
      if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
      return found;
    }),
  );
  if (json) process.stdout.write(`${JSON.stringify({ endpoint, since, dry_run: dry, ...total, state })}\n`);
  else
    process.stdout.write(
      `${said(total, dry)}${state === "on" || dry ? "" : `The endpoint is ${state}: it gets them once it is on.\n`}`,
    );
}

function said({ events, owed }: { events: number; owed: number }, dry: boolean): string {
  const rest = owed === events ? "" : " The others are on their way already.";
  return `${owed} of ${events} events ${dry ? "would be sent." : "are due now; a worker sends them."}${rest}\n`;
}

/** How far the look through the history has come, for a person. */
function showProgress(since: Date, at: Date, until: Date, events: number): void {
  if (!process.stderr.isTTY) return;
  const share = (at.getTime() - since.getTime()) / Math.max(1, until.getTime() - since.getTime());
  process.stderr.write(`\r${Math.floor(100 * Math.min(1, share))} %, ${events} events, through ${at.toISOString()}  `);
}
