import { ending, leaving, succession } from "../emission/announce.ts";
import type { Draft } from "../emission/message.ts";
import { emit } from "../emission/outbox.ts";
import type { Agreement, AgreementStatus } from "../model/agreement.ts";
import { FINAL_WINDOW_MS } from "../model/agreements.ts";
import type { Aws } from "../model/world.ts";
import { wholeSecond } from "./order.ts";

/** Ends an agreement for good. A legacy customer leaves an hour later, unless they have come back by then. */
export async function end(
  aws: Aws,
  agreement: Agreement,
  status: "CANCELLED" | "EXPIRED" | "TERMINATED",
  silent = false,
): Promise<void> {
  close(aws, agreement, status);
  const { clock, state } = aws;
  if (agreement.customerIdentifier !== null && !silent)
    clock.at(clock.in(FINAL_WINDOW_MS), () => {
      if (aws.state === state && !hasComeBack(aws, agreement)) void emit(aws, leaving(agreement));
    });
  if (!silent) await emit(aws, ending(aws, agreement));
}

/** The old half of a renewal or replacement; what is to be told of it. */
export function succeed(aws: Aws, agreement: Agreement, status: "RENEWED" | "REPLACED"): Draft[] {
  close(aws, agreement, status);
  return succession(aws, agreement);
}

function close({ clock }: Aws, agreement: Agreement, status: AgreementStatus): void {
  agreement.status = status;
  agreement.endedAt = wholeSecond(clock.now());
  agreement.updatedAt = agreement.endedAt;
}

function hasComeBack({ state }: Aws, { account, product }: Agreement): boolean {
  return state.agreements.ofBuyer(account, product.code).some(({ status }) => status === "ACTIVE");
}
