import { products } from "./listing.ts";
import type { Change, Way } from "./script.ts";
import type { World } from "./world.ts";

/** An agreement as the simulator shows it. */
export interface Purchase {
  readonly agreement: string;
  readonly initial_agreement: string;
  readonly intent: string;
  readonly status: string;
  readonly licence: string;
  readonly licence_state: string;
  readonly generation: "licence" | "legacy";
  readonly product_code: string;
  readonly model: string;
  readonly account: string;
  readonly customer: string | null;
  readonly quantities: Readonly<Record<string, number>>;
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly suspended: boolean;
}

/** One buyer, who has at most one agreement in force that he did not leave. */
export interface Customer {
  readonly place: number;
  agreement: string | undefined;
  /** One thing at a time: the older generation has one agreement for a customer and a product. */
  isBusy: boolean;
  /** Agreements that were suspended for a while: usage of theirs may be refused. */
  readonly suspended: Set<string>;
}

export const purchasesOf = (world: World): Promise<readonly Purchase[]> => world.ask("/_aws/purchases");

export async function buy(world: World, customer: Customer, way: Way): Promise<void> {
  if (customer.agreement !== undefined || customer.isBusy) return;
  customer.isBusy = true;
  const product = products[way.product];
  const registers = way.registers !== "later";
  const body = {
    product: product?.code,
    generation: way.generation,
    months: 1,
    ...(way.product === 0 ? {} : { quantities: { requests: way.quantity, documents: way.quantity } }),
    ...(way.trial ? { trial: true } : {}),
    register: registers,
    ...(way.registers === "first" ? { first: "registration" } : {}),
  };
  try {
    const bought = await world.tell<Purchase>("/_aws/purchases", body);
    customer.agreement = bought.agreement;
    world.ear.say(`customer ${customer.place} buys ${way.generation} ${product?.model}: ${bought.agreement}`);
  } finally {
    customer.isBusy = false;
  }
}

/** What a buyer does with the agreement that was made last. What is not possible then is not done. */
export async function change(
  world: World,
  customer: Customer,
  what: Change,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const { agreement } = customer;
  if (agreement === undefined || customer.isBusy) return;
  customer.isBusy = true;
  try {
    const changed = await world.tell<Purchase>(`/_aws/purchases/${agreement}/${what}`, more);
    if (what === "suspend") customer.suspended.add(agreement);
    if (changed.agreement !== agreement && customer.suspended.has(agreement)) customer.suspended.add(changed.agreement);
    customer.agreement = changed.agreement;
    world.ear.say(`customer ${customer.place}: ${what} of ${agreement} → ${changed.agreement}`);
  } catch (fault) {
    world.ear.say(`customer ${customer.place}: no ${what} of ${agreement}: ${String(fault).slice(0, 160)}`);
  } finally {
    customer.isBusy = false;
  }
}
