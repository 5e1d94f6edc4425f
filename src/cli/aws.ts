import { readSettings } from "../config.ts";
import { ProviderError } from "../errors.ts";
import { awsReview } from "../marketplaces/aws/aws-operator.ts";
import { asOperator } from "./operator-database.ts";

interface ListOptions {
  readonly json?: boolean;
}

/** Purchases on AWS that are no tenant yet, with what is missing and since when. */
export async function unclaimed({ json }: ListOptions): Promise<void> {
  const found = await asOperator(readSettings(), "aws unclaimed", (store) => awsReview(store).unclaimed());
  print(found, json, (one) => {
    const missing = one.registered_at === null ? "the buyer has not registered" : "AWS has not told of the licence";
    return `${ageOf(one.since)}  ${one.key}  ${one.product_code ?? "?"}  ${one.state}: ${one.review ?? missing}`;
  });
}

/** What fits nowhere: licences and messages for a person to look at. */
export async function review({ json }: ListOptions): Promise<void> {
  const found = await asOperator(readSettings(), "aws review", (store) => awsReview(store).toReview(new Date()));
  print(found, json, ({ what, id, since, why }) => `${ageOf(since)}  ${what} ${id}: ${why}`);
}

/** Has a message read again by a worker. */
export async function replay(id: string): Promise<void> {
  if (await asOperator(readSettings(), "aws replay", (store) => awsReview(store).replay(id))) {
    process.stdout.write(`Message ${id} is read again by a worker.\n`);
    return;
  }
  throw new ProviderError("request_malformed", `There is no message ${id}: \`stallholder aws review\` lists them.`);
}

function print<T>(found: readonly T[], json: boolean | undefined, lineOf: (one: T) => string): void {
  if (json) process.stdout.write(`${JSON.stringify(found)}\n`);
  else process.stdout.write(found.length === 0 ? "None.\n" : found.map((one) => `${lineOf(one)}\n`).join(""));
}

const HOUR_MS = 3_600_000;

function ageOf(since: string): string {
  const hours = Math.max(0, Math.floor((Date.now() - Date.parse(since)) / HOUR_MS));
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}
