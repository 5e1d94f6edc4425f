import fc from "fast-check";
import {
  billingReference,
  lotOf,
  paceOf,
  readBillingReference,
  readLot,
} from "../src/marketplaces/aws/report/billing-reference.ts";
import { dimensionCodes } from "../src/marketplaces/aws/report/dimension-codes.ts";

const region = "eu-central-1";
const productCode = "2x7q9v4mkd8c1hf5zr3bwn6ty";

test("a billing reference and a lot come back as they went", () => {
  const name = fc.string({ minLength: 1, maxLength: 40 });
  const identity = fc.oneof(
    fc.record({ generation: fc.constant("licence" as const), licenceArn: name, accountId: name, region: name }),
    fc.record({
      generation: fc.constant("legacy" as const),
      productCode: name,
      customerIdentifier: name,
      region: name,
    }),
  );
  fc.assert(
    fc.property(identity, (given) => {
      const reference = billingReference(given);
      expect(readBillingReference(reference)).toEqual(given);
      expect(reference).toBe(billingReference({ ...given }));
    }),
  );
  const lot = { generation: "legacy", region, productCode } as const;
  expect(readLot(lotOf(lot))).toEqual(lot);
  expect(["", "licence", "licence eu", "other a b", "legacy a b c"].map(readLot)).toEqual(Array(5).fill(undefined));
  expect(["", "{}", "[]", '["licence","a","b"]', '["licence","a","b",""]'].map(readBillingReference)).toEqual(
    Array(5).fill(undefined),
  );
  expect(paceOf(lot)).toBe(`aws ${region}`);
});

test("a dimension goes under the product's name for it, else the catalog's, else its own", () => {
  const named = (id: string, codes: Record<string, string>) =>
    ({ id, name: id, unit: id, aggregation: "sum", codes }) as const;
  const dimensions = [named("requests", {}), named("documents", { aws: "docs" })];
  const codeOf = dimensionCodes({ dimensions }, [{ code: "p", dimensions: [{ code: "reqs", dimension: "requests" }] }]);
  expect(codeOf("p", "requests")).toBe("reqs");
  expect(codeOf("other", "requests")).toBe("requests");
  expect(codeOf("p", "documents")).toBe("docs");
  expect(codeOf("p", "seats")).toBe("seats");
});
