import { Card, WayThere } from "../parts.tsx";
import type { CustomerView } from "./view.ts";

/** What removing means, and the command that does it over there. There is no button: the purchase ends where it began. */
export function RemovalCard({ view: { texts, product } }: { view: CustomerView }) {
  return (
    <Card id="removal" title="Remove">
      <p>
        Removing {product} in {texts.title} ends every credential at once and closes this dashboard for good. It cannot
        be undone: buying again starts from nothing.
      </p>
      <WayThere way={texts.ways.remove} words={`Remove it in ${texts.title}`} />
    </Card>
  );
}
