import { setTimeout as sleep } from "node:timers/promises";
import { readManifestFile } from "../compose.ts";
import { readSettings, type Settings } from "../config.ts";
import { ProviderError } from "../errors.ts";
import { isTenantId } from "../isolation/isolation.ts";
import type { Attempt } from "../subscriptions/attempt.ts";
import type { ClaimedEvent } from "../subscriptions/claimed.ts";
import { forwardingSecret, type Listener, openListener } from "../subscriptions/listener.ts";
import { sendOverHttp } from "../subscriptions/send-http.ts";
import { asOperator } from "./operator-database.ts";
import { withServiceClock } from "./service-clock.ts";
import { untilStopped } from "./teardown.ts";

interface ListenOptions {
  readonly tenant?: string;
  readonly type?: readonly string[];
  readonly since?: Date;
  readonly forwardTo?: string;
  readonly json?: boolean;
}

const LOOK_EVERY_MS = 300;

/** Shows events as they happen until Ctrl-C, and forwards them, signed, to a program on this machine. */
export async function listen(options: ListenOptions): Promise<void> {
  const settings = readSettings();
  const stop = new AbortController();
  void untilStopped().then(() => stop.abort());
  refuseFaults(options);
  const speaker = { publicUrl: settings.publicUrl, serviceId: (await readManifestFile()).catalog.id };
  await withServiceClock(settings, (clock) =>
    asOperator(settings, "listen", async (store) => {
      const { type: types, tenant, since } = options;
      const listener = await openListener({ store, clock, speaker }, { types, tenant, since });
      try {
        process.stderr.write(opening(options, settings));
        await tail(listener, options, settings, stop.signal);
      } finally {
        await listener.close();
      }
    }),
  );
}

function refuseFaults({ tenant, forwardTo }: ListenOptions): void {
  if (tenant !== undefined && !isTenantId(tenant))
    throw new ProviderError("request_malformed", `${tenant} is no id of a tenant.`);
  if (forwardTo !== undefined && !/^https?:$/.test(URL.canParse(forwardTo) ? new URL(forwardTo).protocol : ""))
    throw new ProviderError("request_malformed", `${forwardTo} is no address such as http://127.0.0.1:4000/events.`);
}

function opening({ forwardTo }: ListenOptions, { product }: Settings): string {
  const forwards =
    forwardTo === undefined ? "" : `Forwarding to ${forwardTo}, signed with ${forwardingSecret(product.secret)}\n`;
  return `Listening; Ctrl-C ends it.\n${forwards}`;
}

async function tail(
  listener: Listener,
  options: ListenOptions,
  settings: Settings,
  stopping: AbortSignal,
): Promise<void> {
  while (!stopping.aborted) {
    const heard = await listener.hear();
    for (const claimed of heard) await takeOne(listener, claimed, options, settings);
    if (heard.length === 0) await sleep(LOOK_EVERY_MS, undefined, { signal: stopping }).catch(() => undefined);
  }
}

/** What a forwarded event came to is shown and not tried again: somebody is looking. */
async function takeOne(
  listener: Listener,
  claimed: ClaimedEvent,
  { forwardTo, json }: ListenOptions,
  { product }: Settings,
): Promise<void> {
  process.stdout.write(`${json ? JSON.stringify(claimed.event) : lineOf(claimed)}\n`);
  const started = performance.now();
  if (forwardTo !== undefined) {
    const receiver = { url: forwardTo, secrets: [forwardingSecret(product.secret)], reach: { privately: true } };
    const attempt = await sendOverHttp(receiver, claimed.event);
    process.stderr.write(`  ${outcomeOf(attempt, performance.now() - started)}\n`);
  }
  await listener.taken(claimed, performance.now() - started);
}

function lineOf({ event, type, tenant }: ClaimedEvent): string {
  const { by, marketplace, details } = event.data;
  const madeUp = event.madeup ? " (made up)" : "";
  return `${event.time}  ${type}${madeUp}  ${tenant}  ${marketplace}  ${by}  ${JSON.stringify(details)}`;
}

function outcomeOf(attempt: Attempt, milliseconds: number): string {
  const took = `${Math.round(milliseconds)} ms`;
  return attempt.outcome === "delivered" ? `✔ ${attempt.status ?? ""} in ${took}` : `✘ ${attempt.fault} (${took})`;
}
