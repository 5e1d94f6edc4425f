import type { RequestHandler } from "express";
import type { ComponentChildren } from "preact";
import { render } from "preact-render-to-string";
import { assets } from "../assets.ts";
import { type LiveLimits, liveParts } from "../live.ts";
import type { DashboardOptions } from "../options.ts";
import { Card, Unseen } from "../parts.tsx";
import { firstStepsOf } from "./first-use.ts";
import { signedInOn } from "./signed-in.ts";
import { type CustomerView, loadView } from "./view.ts";

type Steps = Pick<CustomerView, "steps" | "texts" | "metered" | "product">;

/** Whether there is nothing more to wait for. */
const isOver = ({ steps, metered }: Steps): boolean => (metered.length === 0 ? steps.called : steps.counted);

const DAY_MS = 86_400_000;

/** Shown until everything has happened, and on the first day, so that it is seen to have. */
export function showsFirstSteps(view: CustomerView): boolean {
  const fresh = view.now.getTime() - view.tenant.createdAt.getTime() < DAY_MS;
  return view.tenant.state === "active" && (fresh || !isOver(view));
}

/** The way from a purchase to the first success; with scripts each step turns green as it happens. */
export function FirstStepsCard({ view }: { view: CustomerView }) {
  if (!showsFirstSteps(view)) return null;
  return (
    <Card id="first" title="First steps">
      <div data-live={isOver(view) ? undefined : "/dashboard/live"} aria-live="polite">
        <StepList {...view} />
      </div>
    </Card>
  );
}

export function FirstStepsScript({ view }: { view: CustomerView }) {
  return showsFirstSteps(view) && !isOver(view) ? <script src={assets.liveScript.path} defer /> : null;
}

function StepList(view: Steps) {
  const { steps, texts, metered, product } = view;
  const pushed = texts.ways.showConfig !== undefined;
  return (
    <>
      <ol class="first">
        <Step done={pushed || steps.taken} title={pushed ? "The config vars are in your app" : "Take the config vars"}>
          {pushed ? `${texts.title} has set them.` : "Reveal them under Connect and set them where your code runs."}
        </Step>
        <Step done={steps.called} title="Make a first call">
          The code under Connect reads the config vars and is ready to paste.
        </Step>
        {metered.length === 0 ? null : (
          <Step done={steps.counted} title="See the first usage">
            {product} counts it; it appears here within a minute or so.
          </Step>
        )}
      </ol>
      <p class={`status ${isOver(view) ? "good" : "wait"}`}>
        {isOver(view) ? (
          <>
            <strong class="badge">It works</strong> {product} hears from your code. Nothing more to set up.
          </>
        ) : (
          <>
            <strong class="badge">Waiting</strong> {steps.called ? "A first call has come." : "No call has come yet."}
          </>
        )}
      </p>
    </>
  );
}

function Step({ done, title, children }: { done: boolean; title: string; children: ComponentChildren }) {
  return (
    <li class={done ? "done" : undefined}>
      <h3>
        {title} <Unseen>{done ? "(done)" : "(not yet)"}</Unseen>
      </h3>
      <p class="quiet">{children}</p>
    </li>
  );
}

const LIMITS: LiveLimits = { most: 200, everyMs: 2_000, longestMs: 120_000 };

/** The steps as server-sent events until the last of them is done. */
export function liveFirstSteps(options: DashboardOptions): RequestHandler {
  return liveParts(LIMITS, (request) => {
    const who = signedInOn(options.sessions, request);
    let view: CustomerView | undefined;
    return async () => {
      view ??= await loadView(options, who, { size: 1 });
      const now = { ...view, steps: await options.store.asTenant(who.tenant, firstStepsOf) };
      return { html: render(<StepList {...now} />), last: isOver(now) };
    };
  });
}
