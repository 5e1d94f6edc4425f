/** A table with rows of tenants a and b in it, and the column that says whose a row is. */
export interface WalledTable {
  readonly name: string;
  readonly tenantColumn: string;
  /** The columns of its primary key. */
  readonly keys: readonly string[];
  /** A unique index without the tenant's column, for values that are random. */
  readonly unique: boolean;
  /** The row of b. */
  readonly theirs: Readonly<Record<string, unknown>>;
}

export interface Tenants {
  readonly a: string;
  readonly b: string;
}
