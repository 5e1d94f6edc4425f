import type { Catalog } from "../../catalog/catalog.ts";
import type { OperatorStore } from "../../isolation/isolation.ts";
import type { ReadLedger, ReconciledFiles } from "../../metering/differences.ts";
import type { SealedPlace } from "../../secrets/secrets.ts";
import type { AwsAccess } from "./api/access.ts";
import { checkConnection } from "./checks/connection.ts";
import type { AwsFinding } from "./checks/finding.ts";
import { goLiveList } from "./checks/go-live.ts";
import { contactPlace } from "./intake/contact.ts";
import { parkedTokenPlace } from "./intake/register-licence.ts";
import { reconcileFiles } from "./reconcile/reconcile.ts";
import { dimensionCodes } from "./report/dimension-codes.ts";
import { listReview, listUnclaimed, replayMessage } from "./review/review.ts";
import { awsSection } from "./section.ts";

// What the commands of an operator need of AWS: a second door, beside the marketplace itself.

interface ExaminedAws {
  readonly catalog: Catalog;
  readonly access: AwsAccess;
  readonly publicUrl: string;
  readonly queueUrl: string | undefined;
  readonly hasEventsSecret: boolean;
  readonly topicArns: readonly string[];
}

/** Where values are kept that only the key ring opens. */
export const awsSealedPlaces: readonly SealedPlace[] = [parkedTokenPlace, contactPlace];

/** Whether the catalog sells anything on AWS. */
export const sellsOnAws = (catalog: Catalog): boolean => awsSection(catalog).products.length > 0;

/**
 * Looks at everything that selling on AWS takes, and at AWS's own list for going live. Every look has its time limit;
 * nothing is metered, bought or changed.
 */
export async function examineAws(examined: ExaminedAws): Promise<AwsFinding[]> {
  const { catalog, access, queueUrl } = examined;
  const { products, support } = awsSection(catalog);
  const connection = await checkConnection({ access, products, queueUrl });
  const models = [...new Set(products.map(({ model }) => model))];
  const { publicUrl } = examined;
  return [...connection, ...goLiveList({ publicUrl, support, models, ways: waysOf(examined) })];
}

function waysOf({ queueUrl, hasEventsSecret, topicArns }: ExaminedAws): ("queue" | "events" | "topics")[] {
  return [
    ...(queueUrl === undefined ? [] : ["queue" as const]),
    ...(hasEventsSecret ? ["events" as const] : []),
    ...(topicArns.length > 0 ? ["topics" as const] : []),
  ];
}

/**
 * Compares our ledger with the seller's report and CloudTrail's log. Answers the faults of the files instead when there
 * are any: half a file would be taken for the whole.
 */
export function reconcileAws(catalog: Catalog, files: ReconciledFiles, readLedger: ReadLedger) {
  return reconcileFiles(files, dimensionCodes(catalog, awsSection(catalog).products), readLedger);
}

/** What a person should look at: see `review/`. */
export const awsReview = (store: OperatorStore) => ({
  unclaimed: () => listUnclaimed(store),
  toReview: (now: Date) => listReview(store, now),
  replay: (id: string) => replayMessage(store, id),
});
