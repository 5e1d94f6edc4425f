import type { OperationKind } from "../../operations/operations.ts";
import type { CustomerView } from "./view.ts";

interface Status {
  readonly tone: "good" | "wait" | "bad";
  readonly word: string;
  readonly sentence: string;
}

const underWay: Readonly<Record<OperationKind, (view: CustomerView) => string>> = {
  provision: ({ product }) => `${product} is setting this up. The config vars appear here when it is done.`,
  change_plan: (view) => `The change to the plan ${targetPlan(view)} is under way.`,
  suspend: () => "This is about to be suspended.",
  resume: () => "This is about to work again.",
  rotate: ({ product }) => `New credentials are active. ${product} is being told.`,
  deprovision: () => "This is being removed.",
};

/** Something is under way, so the state will change by itself. */
export function isPending({ running }: CustomerView): boolean {
  return running !== undefined;
}

/** The state and its reason in one sentence. While something is under way it looks for the end by itself. */
export function StatusStrip({ view }: { view: CustomerView }) {
  const { tone, word, sentence } = statusOf(view);
  const pending = isPending(view);
  const poll = pending ? { "hx-get": "/dashboard/status", "hx-trigger": "every 2s", "hx-swap": "outerHTML" } : {};
  return (
    <section class={`status ${tone}`} id="status" aria-label="Status" {...poll}>
      <p>
        <strong class="badge">{word}</strong> {sentence} {pending ? <a href="/dashboard">Look again</a> : null}
      </p>
    </section>
  );
}

function statusOf(view: CustomerView): Status {
  const { tenant, running } = view;
  if (tenant.state === "suspended") return { tone: "bad", word: "Suspended", sentence: suspension(view) };
  if (running !== undefined) {
    const word = tenant.state === "provisioning" ? "Being set up" : "Under way";
    return { tone: "wait", word, sentence: underWay[running.kind](view) };
  }
  if (tenant.state === "active") {
    return { tone: "good", word: "Ready", sentence: "Everything is set up and your credentials work." };
  }
  return { tone: "wait", word: "Not ready", sentence: tenant.reason ?? `The state is ${tenant.state}.` };
}

function suspension({ tenant, product }: CustomerView): string {
  const reason = tenant.reason === null ? "" : `${tenant.reason.replace(/[\s.]+$/, "")}. `;
  return `${reason}${product} refuses your credentials until this is settled; nothing is deleted.`;
}

function targetPlan({ running, plans }: CustomerView): string {
  const id = running?.target["plan"];
  return plans.find((plan) => plan.id === id)?.name ?? String(id);
}
