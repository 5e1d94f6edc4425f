import { retryDelay } from "../../../deliveries/deliveries.ts";
import type { AwsOptions } from "../options.ts";
import { notSoldHere } from "../section.ts";
import { identityOf, readMessage } from "./read-message.ts";
import type { Reading } from "./reading.ts";

interface MessageRow {
  readonly id: string;
  readonly source: string;
  readonly body: Buffer;
  readonly sent_at: Date | null;
  readonly received_at: Date;
  readonly tries: number;
}

const LEASE_MS = 30_000;
/** A message that could not be applied so often is for a person: it would be tried for ever. */
const MOST_TRIES = 20;

/**
 * Reads messages that nobody has read yet, oldest first, and says how many there were. Reading never fails on a message:
 * whatever is wrong with it is written down beside it. What it says is then settled licence by licence.
 */
export async function readInbox(options: AwsOptions, atMost: number): Promise<number> {
  const { store, clock } = options;
  const now = clock.now();
  const rows = await store.throughDoor<MessageRow>({
    text: "select * from aws_claim_messages($1, $2, $3) order by id",
    values: [now, new Date(now.getTime() + LEASE_MS), atMost],
  });
  for (const row of rows) await readOne(options, row);
  return rows.length;
}

async function readOne(options: AwsOptions, row: MessageRow): Promise<void> {
  try {
    const reading = readMessage({ body: row.body, sentAt: row.sent_at, receivedAt: row.received_at });
    if (reading.kind === "flagged")
      options.logger.warn({ message: row.id, why: reading.why }, "an AWS message is flagged");
    await apply(options, row.id, outcomeOf(options, reading));
  } catch (fault) {
    if (row.tries < MOST_TRIES) {
      options.logger.warn({ err: fault, message: row.id, again: retryDelay(row.tries) }, "an AWS message waits");
      return;
    }
    await apply(options, row.id, { state: "flagged", fault: "It could not be applied." });
  }
}

function apply({ store, clock }: AwsOptions, id: string, outcome: object): Promise<unknown> {
  return store.throughDoor({
    text: "select aws_apply_message($1, $2, $3)",
    values: [id, JSON.stringify(outcome), clock.now()],
    repeatable: true,
  });
}

function outcomeOf({ section, settings }: AwsOptions, reading: Reading): object {
  if (reading.kind !== "fact") return { state: reading.kind, fault: reading.why };
  const { said } = reading;
  const licence = identityOf(section, settings.region, said);
  const agreement = said.agreementId === undefined ? {} : { agreement_id: said.agreementId };
  if (licence === "foreign") {
    return { state: "ignored", fault: notSoldHere(said.productId ?? said.productCode), ...agreement };
  }
  return {
    state: "applied",
    fact: said.fact,
    about: said.about,
    at: said.at,
    ...agreement,
    ...(licence !== undefined && { licence }),
  };
}
