import type { Catalog } from "../../../catalog/catalog.ts";
import { ConfirmForm } from "../confirm-form.tsx";
import { actPath } from "./act-bar.tsx";
import { type ActName, acts, homeOf, overlaps } from "./acts.ts";
import type { TenantRead } from "./read.ts";
import { StateBadge } from "./state-badge.tsx";

export interface ConfirmProps {
  readonly read: TenantRead;
  readonly act: ActName;
  readonly catalog: Catalog;
  readonly token: string;
  /** What a retry is of. */
  readonly target?: { readonly operation?: string | undefined; readonly call?: string | undefined };
  /** What was wrong with the form that was just sent, and what was in it. */
  readonly fault?: string;
  readonly filled?: { readonly reason: string };
}

/** Asks once more, and for a reason. It carries what the tenant was when it was made. */
export function ConfirmPage(props: ConfirmProps) {
  const { read, act: name, catalog, token, target = {}, fault, filled } = props;
  const { tenant } = read;
  const act = acts[name];
  return (
    <section class="card alone">
      <p class="way-back">
        <a href={homeOf(tenant.id, name)}>← Back to {tenant.name || tenant.resourceId}</a>
      </p>
      <h1>{act.title}</h1>
      <p>
        {tenant.name || tenant.resourceId} <StateBadge state={tenant.state} />
      </p>
      <p>{act.means(tenant, catalog.name)}</p>
      <ConfirmForm
        {...{ title: act.title, danger: act.danger, reason: act.reason, token, fault, filled: filled?.reason }}
        action={`${actPath(tenant.id, name)}/confirmed`}
      >
        <input type="hidden" name="version" value={read.version} />
        {target.operation === undefined ? null : <input type="hidden" name="operation" value={target.operation} />}
        {target.call === undefined ? null : <input type="hidden" name="call" value={target.call} />}
        {name === "change_plan" ? <PlanChoice {...props} /> : null}
        {name === "rotate" ? <OverlapChoice /> : null}
        {name === "deprovision" ? <Typed read={read} /> : null}
      </ConfirmForm>
    </section>
  );
}

function PlanChoice({ catalog, read }: ConfirmProps) {
  return (
    <fieldset class="choose">
      <legend>The new plan</legend>
      {catalog.plans
        .filter(({ id }) => id !== read.tenant.plan)
        .map(({ id, name }) => (
          <label key={id}>
            <input type="radio" name="plan" value={id} required />
            {name}
          </label>
        ))}
    </fieldset>
  );
}

function OverlapChoice() {
  return (
    <fieldset class="choose">
      <legend>The old ones work on for</legend>
      {[...overlaps].map(([seconds, text]) => (
        <label key={seconds}>
          <input type="radio" name="overlap" value={seconds} checked={seconds === "7200"} />
          {text}
        </label>
      ))}
    </fieldset>
  );
}

function Typed({ read: { tenant } }: { read: TenantRead }) {
  return (
    <label>
      To be sure, type its resource_id: <code class="role">{tenant.resourceId}</code>
      <input type="text" name="typed" required autocomplete="off" spellcheck={false} />
    </label>
  );
}
