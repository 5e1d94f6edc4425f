import type { AwsAccess } from "../api/access.ts";
import { awsApi } from "../api/aws-api.ts";
import { type Caller, openCaller } from "../api/call.ts";
import type { AwsSection } from "../section.ts";
import { checkAccess } from "./check-access.ts";
import { checkSkew } from "./check-clock.ts";
import { checkProducts } from "./check-products.ts";
import { checkQueue } from "./check-queue.ts";
import { type AwsFinding, ok } from "./finding.ts";

interface Connection {
  readonly access: AwsAccess;
  readonly products: AwsSection["products"];
  readonly queueUrl: string | undefined;
  /** Ends every call; each has a limit of its own besides. */
  readonly within?: AbortSignal;
}

/** Whether AWS can be reached, and lets us do what selling takes. Nothing is metered, bought or changed. */
export async function checkConnection({ access, products, queueUrl, within }: Connection): Promise<AwsFinding[]> {
  if (products.length === 0) return [ok("aws", "nothing is sold there: the manifest names no product")];
  let aheadMs: number | undefined;
  const watched: AwsAccess = {
    ...access,
    onSkew: (ms) => {
      aheadMs = ms;
    },
  };
  const caller = ending(openCaller(watched), within);
  const identity = await checkAccess(caller, watched);
  const usable = identity[0]?.verdict === "ok";
  const rest = usable
    ? await Promise.all([
        checkProducts(awsApi(watched, caller), products),
        queueUrl === undefined ? [] : checkQueue(caller, queueUrl),
      ])
    : [];
  return [...identity, ...checkSkew(aheadMs), ...rest.flat()];
}

const ending = ({ clients, call }: Caller, within: AbortSignal | undefined): Caller => ({
  clients,
  call: (limits, work) => call({ signal: within, ...limits }, work),
});
