import { type LicenceRow, type LicenceView, type Relative, timeOf } from "./licence.ts";
import type { Standing } from "./standing.ts";

/** A first agreement begins no later than this after what the older generation calls the same purchase. */
const SAME_START_MS = 10 * 60_000;

/**
 * Whether another licence is the same purchase under its name in the other generation: the product and the customer, or
 * the customer's account, which had one purchase of the product then. A chain of agreements that began later is another
 * purchase, whatever was renewed or replaced since; until AWS has said when it began, that is unknown.
 */
export function isOtherName({ licence }: LicenceView, standing: Standing, other: Relative): boolean | "unknown" {
  if (licence.generation === other.generation) return false;
  if (licence.generation === "legacy") return isNewerName(other, other.agreement?.chain_start, licence);
  if (!standing.told && licence.registered_at === null) return false;
  const start = standing.intent === "NEW" ? licence.started_at : undefined;
  return isNewerName(licence, licence.agreement?.chain_start ?? start, other);
}

type Named = Pick<LicenceRow, "customer" | "account" | "started_at" | "ended_at">;

function isNewerName(newer: Named, chainStart: string | null | undefined, older: Named): boolean | "unknown" {
  const isCustomer = newer.customer !== null && newer.customer === older.customer;
  const isAccount = newer.customer === null && newer.account !== null && newer.account === older.account;
  if (!isCustomer && !isAccount) return false;
  const [start, began, ended] = [timeOf(chainStart), timeOf(older.started_at), timeOf(newer.ended_at)];
  if (began !== undefined && ended !== undefined && ended <= began) return false;
  if (start === undefined || began === undefined) return isCustomer || (chainStart === undefined ? "unknown" : false);
  return start.getTime() - began.getTime() <= SAME_START_MS;
}
