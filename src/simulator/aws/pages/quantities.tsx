import type { EntitlementValue } from "../model/agreement.ts";

interface QuantitiesProps {
  readonly dimensions: readonly string[];
  readonly quantities: ReadonlyMap<string, EntitlementValue>;
  readonly usual: number;
}

/** A number for each dimension that a contract includes. */
export function Quantities({ dimensions, quantities, usual }: QuantitiesProps) {
  return (
    <div class="row">
      {dimensions.map((code) => (
        <label>
          {code}, by contract
          <input
            name={`quantity:${code}`}
            type="number"
            min="0"
            step="any"
            value={String(quantities.get(code) ?? usual)}
            class="short"
          />
        </label>
      ))}
    </div>
  );
}
