import type { Agreement } from "../model/agreement.ts";
import type { Aws } from "../model/world.ts";
import type { WireCall } from "../wire/service.ts";
import type { BilledRecord } from "./ledger.ts";
import { hourOf } from "./time-rules.ts";
import type { UsageRecord } from "./usage-record.ts";

interface Billing {
  readonly record: UsageRecord;
  readonly agreement: Agreement;
  readonly entry: BilledRecord;
  /** What held the key before. */
  readonly held: BilledRecord | undefined;
}

/** What AWS takes without a word, and what then is billed wrongly or lost. */
export function blameBilling({ journal, state, clock }: Aws, call: WireCall, billing: Billing): void {
  const { record, agreement, entry, held } = billing;
  const what = `${record.dimension} of ${entry.account} for ${entry.hour.toISOString()}`;
  const blame = (rule: string, sentence: string): void => journal.blame(rule, sentence, call.exchange);

  if (held !== undefined && held.quantity !== record.quantity)
    blame("aws_two_quantities", `${what} was sent as ${record.quantity}, but ${held.quantity} is billed for good.`);
  else if (held !== undefined && held.timestamp.getTime() !== record.timestamp.getTime())
    blame("aws_changed_record", `${what} was sent again with another timestamp: a repeat must be unchanged.`);

  const place = `${entry.generation} in ${entry.region}`;
  const first = state.ledger.firstPlace(`${agreement.licenceArn} ${record.dimension} ${entry.hour.getTime()}`, place);
  if (first !== place) blame("aws_billed_twice", `${what} is billed twice: by ${first} and by ${place}.`);

  const running = entry.hour.getTime() === hourOf(clock.now()).getTime();
  if (held === undefined && running && agreement.endedAt === null && !followsAnother(state, billing))
    blame("aws_running_hour", `${what} was sent before the hour was over: what is used from now on is lost.`);
}

/** The older generation calls a buyer who left and came back within the hour the same: what is sent is of before. */
function followsAnother({ agreements }: Aws["state"], { agreement, entry }: Billing): boolean {
  const { account, product, generation } = agreement;
  return (
    generation === "legacy" &&
    agreements
      .ofBuyer(account, product.code)
      .some(({ endedAt }) => endedAt !== null && hourOf(endedAt).getTime() === entry.hour.getTime())
  );
}
