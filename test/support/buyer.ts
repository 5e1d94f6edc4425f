import { randomUUID } from "node:crypto";
import type { Payer } from "../../src/metering/billing.ts";
import { HOUR, MINUTE, type TestClock } from "./clock.ts";
import type { TestProvider } from "./provider.ts";
import { report, send, settle } from "./usage.ts";

interface Place {
  readonly shop: TestProvider;
  readonly tenant: string;
  readonly clock: TestClock;
}

/** What happens to the tenant of whichever test runs, whose billing reference is its own id. */
export function buyer(place: () => Place) {
  return {
    pays: (more: Partial<Payer> = {}): Promise<void> => {
      const { shop, tenant, clock } = place();
      const payer: Payer = { billingReference: tenant, lot: "here", pace: "ours", bills: "all", from: clock.now() };
      return shop.billTo({ tenant }, { ...payer, ...more });
    },
    ends: (billingReference = place().tenant): Promise<void> => {
      const { shop, tenant, clock } = place();
      const flushBy = new Date(clock.now().getTime() + HOUR);
      return shop.endBilling({ tenant }, { billingReference, endedAt: clock.now(), flushBy });
    },
    use: (quantity: number | string, more: object = {}): Promise<string[]> => {
      const { shop, tenant } = place();
      return send(shop, { id: randomUUID(), tenant, dimension: "requests", quantity, ...more });
    },
    /** The running hour ends, is sealed and reported. */
    endHour: async (): Promise<void> => {
      const { shop, clock } = place();
      clock.advance(HOUR + 11 * MINUTE - (clock.now().getTime() % HOUR));
      await settle(shop);
      await report(shop);
    },
    /** Of the tenant's records, in order. */
    look: <Row extends object>(columns: string): Promise<Row[]> => {
      const { shop, tenant } = place();
      return shop.look<Row>(`select ${columns} from usage_records where tenant_id = $1 order by hour, dimension`, [
        tenant,
      ]);
    },
    balance: async (): Promise<string | undefined> => {
      const { shop, tenant } = place();
      const [row] = await shop.look<{ balance: string }>("select balance from usage_carries where tenant_id = $1", [
        tenant,
      ]);
      return row?.balance;
    },
  };
}
