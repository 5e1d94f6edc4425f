/** What one deployment's things are called on the tenants' server. */
export interface TenantNames {
  /** Every login of a pool tenant may read and write as a member of this group. */
  readonly tenants: string;
  /** Or only read, as a member of this one. */
  readonly readers: string;
  /** Holds `tenant()`: the tenant that the login stands for, or null. */
  readonly schema: string;
  /** The policies of a pooled table that are not named like the group they are for. */
  readonly wall: string;
  readonly vendor: string;
  /** Of an owner, a reader or a login role of one tenant. */
  readonly rolePattern: string;
}

export function tenantNames(environment: string): TenantNames {
  return {
    tenants: `${environment}_tenants`,
    readers: `${environment}_tenants_read`,
    schema: `${environment}_stallholder`,
    wall: `${environment}_wall`,
    vendor: `${environment}_vendor`,
    rolePattern: `^${environment}_[a-z][a-z2-7]{25}(_ro|_[a-z2-7]{6})?$`,
  };
}
