import type { Agreement } from "./agreement.ts";

/** Every agreement there is, found by any of its names. */
export interface Register {
  add(agreement: Agreement): void;
  find(id: string): Agreement | undefined;
  ofLicence(arn: string): Agreement | undefined;
  /** Newest first. */
  ofBuyer(account: string, productCode: string): readonly Agreement[];
  /** The buyer whom the legacy generation calls this. */
  accountOf(customerIdentifier: string, productCode: string): string | undefined;
  /** The identifier a buyer has at a product, the same for all their agreements. */
  customerIdentifierOf(account: string, productCode: string): string | undefined;
  /** Oldest first. */
  all(): readonly Agreement[];
}

export function createRegister(): Register {
  const byId = new Map<string, Agreement>();
  const byLicence = new Map<string, Agreement>();
  const byBuyer = new Map<string, Agreement[]>();
  const accounts = new Map<string, string>();
  const ofBuyer = (account: string, productCode: string) => byBuyer.get(`${productCode} ${account}`) ?? [];

  return {
    add: (agreement) => {
      const { id, licenceArn, account, product, customerIdentifier } = agreement;
      byId.set(id, agreement);
      byLicence.set(licenceArn, agreement);
      byBuyer.set(`${product.code} ${account}`, [agreement, ...ofBuyer(account, product.code)]);
      if (customerIdentifier !== null) accounts.set(`${product.code} ${customerIdentifier}`, account);
    },
    find: (id) => byId.get(id),
    ofLicence: (arn) => byLicence.get(arn),
    ofBuyer,
    accountOf: (customerIdentifier, productCode) => accounts.get(`${productCode} ${customerIdentifier}`),
    customerIdentifierOf: (account, productCode) =>
      ofBuyer(account, productCode).find((one) => one.customerIdentifier !== null)?.customerIdentifier ?? undefined,
    all: () => [...byId.values()],
  };
}
