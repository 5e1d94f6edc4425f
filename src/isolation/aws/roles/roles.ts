import type { Tx } from "../../../db/db.ts";
import type { Store } from "../../isolation.ts";

/** A tenant whose role in AWS is one of its own. */
export interface ListedRole {
  readonly tenant: string;
  readonly state: string;
  readonly roleArn: string;
  readonly setBy: string;
  readonly setAt: Date;
}

/** The role of this transaction's tenant; undefined where it has the one of all. */
export async function readTenantRole(tx: Tx): Promise<string | undefined> {
  const [row] = await tx.query<{ role_arn: string }>("select role_arn from aws_roles");
  return row?.role_arn;
}

/** Puts a role that was just tried in the place of the one before. */
export async function setTenantRole(
  tx: Tx,
  { tenant, roleArn, setBy, setAt }: Omit<ListedRole, "state">,
): Promise<void> {
  await tx.query(
    `insert into aws_roles (tenant_id, role_arn, set_by, set_at) values ($1, $2, $3, $4)
     on conflict (tenant_id) do update set role_arn = $2, set_by = $3, set_at = $4`,
    [tenant, roleArn, setBy, setAt],
  );
}

/** The role that this transaction's tenant had; undefined where there was none. */
export async function removeTenantRole(tx: Tx): Promise<string | undefined> {
  const [row] = await tx.query<{ role_arn: string }>("delete from aws_roles returning role_arn");
  return row?.role_arn;
}

const PAGE = 500;

/** Every tenant with a role of its own, page by page. */
export async function* listTenantRoles(store: Store): AsyncGenerator<ListedRole> {
  let after = "";
  for (;;) {
    const rows = await store.throughDoor<ListedRole>({
      text: `select tenant, state, role_arn as "roleArn", set_by as "setBy", set_at as "setAt" from list_aws_roles($1, $2)`,
      values: [after, PAGE],
    });
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = last.tenant;
  }
}
