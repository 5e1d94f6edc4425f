import { ConfirmForm } from "../confirm-form.tsx";
import { words } from "../tenants/words.ts";
import type { WorkGroup, WorkList } from "./work.ts";

interface RetryProps {
  readonly list: WorkList;
  readonly group: WorkGroup;
  readonly batch: number;
  readonly token: string;
  readonly fault: string | undefined;
}

/** Asks once more, and for a reason, before all of a group become due. */
export function RetryPage({ list, group, batch, token, fault }: RetryProps) {
  return (
    <section class="card alone">
      <p class="way-back">
        <a href={`/console/deliveries?${new URLSearchParams({ ...list })}`}>← Back to deliveries</a>
      </p>
      <h1>Try all again now</h1>
      <p>
        {words(group.kind)} to {group.marketplace}: {group.count}. {group.fault || "Not tried yet."}
      </p>
      <p>
        They become due this moment, {batch} at most; the page says how many were, and how many are left. What is due
        already is left alone, and what was given up for a tenant that is gone stays so.
      </p>
      <ConfirmForm
        title="Try all again now"
        action="/console/deliveries/retry/confirmed"
        token={token}
        reason="It stands in the history of each tenant, for operators."
        fault={fault}
      >
        <input type="hidden" name="of" value={list.of} />
        <input type="hidden" name="state" value={list.state} />
        <input type="hidden" name="group" value={group.group} />
      </ConfirmForm>
    </section>
  );
}
