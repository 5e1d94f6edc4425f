import { ProviderError } from "../../../errors.ts";
import type { TenantState } from "../../../tenants/tenants.ts";
import type { AwsOptions } from "../options.ts";
import type { ListedProduct } from "../section.ts";
import type { LicenceRow, LicenceView } from "./licence.ts";
import type { Standing } from "./standing.ts";

/** One go at settling a licence whose lease is ours. Its view is brought up to date by `keep`. */
export interface Settling {
  readonly options: AwsOptions;
  readonly product: ListedProduct;
  readonly now: Date;
  view: LicenceView;
  readonly standing: Standing;
  /** When it has to be looked at again, whatever is heard meanwhile. */
  dueAt: Date | undefined;
}

/** Columns of the row, by name. Times go as dates. */
export type Columns = { [K in keyof LicenceRow]?: LicenceRow[K] | Date | undefined };

/** The lease has gone to somebody else: whatever is left is theirs. */
export class LeaseLost extends Error {}

/** Writes what was found out. Throws `LeaseLost` when another process settles the licence now. */
export async function keep(settling: Settling, columns: Columns): Promise<void> {
  const { options, view, now } = settling;
  const text = JSON.stringify(columns);
  const [row] = await options.store.throughDoor<{ kept: boolean }>({
    text: "select aws_save_licence($1, $2, $3, $4) as kept",
    values: [view.licence.key, view.licence.lease, text, now],
    repeatable: true,
  });
  if (!row?.kept) throw new LeaseLost();
  settling.view = { ...view, licence: { ...view.licence, ...(JSON.parse(text) as Partial<LicenceRow>) } };
}

/** As `keep`, and from now on the licence is this tenant's. */
export async function keepTenant(settling: Settling, tenant: { id: string; state: TenantState }): Promise<void> {
  await keep(settling, { tenant_id: tenant.id, review: null });
  settling.view = { ...settling.view, tenant };
}

export function lookAgain(settling: Settling, at: Date): void {
  if (settling.dueAt === undefined || at < settling.dueAt) settling.dueAt = at;
}

export const after = ({ now }: Settling, ms: number): Date => new Date(now.getTime() + ms);

/** What every command to the provider carries. */
export const by = (at: Date) => ({ by: "marketplace:aws", at }) as const;

export const isFault = (thrown: unknown, ...codes: readonly ProviderError["code"][]): boolean =>
  thrown instanceof ProviderError && codes.includes(thrown.code);
