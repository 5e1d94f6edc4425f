import { Card } from "../../parts.tsx";
import { amount } from "./words.tsx";

/** What the tenant owes that is on no record yet. */
export function CarryCard({ carries }: { carries: Readonly<Record<string, string>> }) {
  const owed = Object.entries(carries);
  return (
    <Card id="carry" title="Carried now" intro="Owed, but on no record yet: the next hour that can takes it.">
      {owed.length === 0 ? (
        <p>Nothing.</p>
      ) : (
        <dl class="terms">
          {owed.map(([dimension, balance]) => (
            <div key={dimension}>
              <dt>{dimension}</dt>
              <dd>{amount(balance)}</dd>
            </div>
          ))}
        </dl>
      )}
    </Card>
  );
}
