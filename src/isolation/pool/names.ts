import { environmentNames } from "../databases/databases.ts";

/** What one deployment's roles and policies of pooled tables are called. */
export interface PoolNames {
  readonly environment: string;
  /** Every login of a pool tenant may read and write as a member of this group. */
  readonly tenants: string;
  /** Or only read, as a member of this one. */
  readonly readers: string;
  /** Holds `tenant()`: the tenant that the login stands for, or null. */
  readonly schema: string;
  /** The policies of a pooled table that are not named like the group they are for. */
  readonly wall: string;
  readonly vendor: string;
}

export function poolNames(environment: string): PoolNames {
  const { tenants, tenantsRead: readers, schema } = environmentNames(environment);
  return { environment, tenants, readers, schema, wall: `${environment}_wall`, vendor: `${environment}_vendor` };
}
