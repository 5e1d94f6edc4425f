import { textIn } from "../../json.ts";
import { Panel } from "../../page/html.tsx";
import type { Product } from "../model/products.ts";
import type { Aws } from "../model/world.ts";
import { Quantities } from "./quantities.tsx";

const MODEL_WORDS = {
  subscription: "Pay as you go",
  contract: "Contract",
  "contract-with-consumption": "Contract, and usage beyond it",
} as const;

export function BuyPanel({ aws }: { aws: Aws }) {
  const { products, agreements } = aws.state;
  const samples = products.filter(({ sample }) => sample);
  const buyers = new Set(agreements.all().map(({ account }) => account));
  return (
    <Panel id="aws" title={`Buy ${textIn(aws.manifest, "name") ?? "it"} on AWS Marketplace`}>
      <form method="post" action="/_aws/shop/buy">
        <fieldset class="plans">
          <legend>Product</legend>
          {products.map((product, index) => (
            <ProductChoice product={product} chosen={index === 0} />
          ))}
        </fieldset>
        <Quantities dimensions={entitledDimensions(products)} quantities={new Map()} usual={100} />
        <div class="row">
          <label>
            Buyer's account (empty: a new one)
            <input name="account" pattern="[0-9]{12}" list="aws-buyers" inputMode="numeric" />
          </label>
          <label>
            Contract's months
            <input name="months" type="number" min="1" max="60" value="12" class="short" />
          </label>
          <label>
            Told by
            <select name="generation">
              <option value="licence">licence and events</option>
              <option value="legacy">customer identifier and notices (legacy)</option>
            </select>
          </label>
        </div>
        <datalist id="aws-buyers">
          {[...buyers].map((account) => (
            <option value={account} />
          ))}
        </datalist>
        <div class="row checks">
          <Check name="set_up" checked label="Set up the account at once" />
          <Check name="trial" label="Free trial" />
          <Check name="auto_renew" label="Renews itself" />
          <Check name="resold" label="Sold by a reseller" />
          <Check name="payment_fails" label="The payment fails" />
        </div>
        <button class="main" type="submit">
          Buy
        </button>
      </form>
      {samples.length > 0 && <Samples samples={samples} />}
    </Panel>
  );
}

function ProductChoice({ product, chosen }: { product: Product; chosen: boolean }) {
  return (
    <label>
      <input type="radio" name="product" value={product.code} checked={chosen} />
      <strong>{MODEL_WORDS[product.model]}</strong>
      <span class="price">{product.sample ? "sample" : product.plan}</span>
    </label>
  );
}

function Check({ name, label, checked = false }: { name: string; label: string; checked?: boolean }) {
  return (
    <label class="check">
      <input type="checkbox" name={name} checked={checked} /> {label}
    </label>
  );
}

/** What to write into the manifest, so that a provider knows the sample products as its own. */
function Samples({ samples }: { samples: readonly Product[] }) {
  const lines = samples.map(({ code, id, model, plan }) => JSON.stringify({ code, id, model, plan }));
  return (
    <details id="aws-samples">
      <summary>Samples are products that the manifest does not name: the provider knows them once it does</summary>
      <p class="quiet">
        To be added to <code>catalog.marketplaces.aws.products</code>:
      </p>
      <pre>{lines.join(",\n")}</pre>
    </details>
  );
}

function entitledDimensions(products: readonly Product[]): readonly string[] {
  const all = products.flatMap(({ dimensions }) => dimensions.filter(({ entitled }) => entitled));
  return [...new Set(all.map(({ code }) => code))];
}
