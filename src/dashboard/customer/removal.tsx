import { databaseOf } from "../../catalog/catalog.ts";
import { Card, WayThere } from "../parts.tsx";
import type { CustomerView } from "./view.ts";

/** What removing means, and the command that does it over there. There is no button: the purchase ends where it began. */
export function RemovalCard({ view }: { view: CustomerView }) {
  const { texts, product } = view;
  const days = daysKept(view);
  return (
    <Card id="removal" title="Remove">
      <p>
        Removing {product} in {texts.title} ends every credential at once and closes this dashboard for good. It cannot
        be undone: buying again starts from nothing. Export your data before.
      </p>
      {days === undefined ? null : (
        <p>
          {days === 0
            ? "The data of your database are removed at once."
            : `The data of your database are kept for ${days} days after that, opened again by nobody but ${product} on your word, and then removed for good.`}
        </p>
      )}
      <WayThere way={texts.ways.remove} words={`Remove it in ${texts.title}`} />
    </Card>
  );
}

/** For how long a removed database can be had back; undefined where there is none. */
export function daysKept({ declarations, plan }: Pick<CustomerView, "declarations" | "plan">): number | undefined {
  return declarations.some(({ kind }) => kind === "postgres") ? databaseOf(plan).graceDays : undefined;
}
