import type { Clock } from "../clock.ts";
import { tenantAws } from "../compose/tenant-aws.ts";
import { readManifestFile } from "../compose.ts";
import { readSettings } from "../config.ts";
import type { AwsAccess } from "../isolation/aws/aws.ts";
import type { OperatorStore } from "../isolation/isolation.ts";
import { removeAwsRole, setAwsRole } from "../provider/aws-roles.ts";
import { operatorClock } from "./choose-clock.ts";
import { asOperator } from "./operator-database.ts";

interface Options {
  readonly json?: boolean;
}

interface Parts {
  readonly store: OperatorStore;
  readonly clock: Clock;
  readonly aws: AwsAccess;
}

/** Tries the role as the service would use it, and gives it to the tenant. Nothing is changed by a role that is refused. */
export async function setRole(
  tenant: string,
  roleArn: string,
  { account, json }: Options & { readonly account?: string },
): Promise<void> {
  await withAws("set", async ({ store, clock, aws }) => {
    const { by } = store.operator;
    const found = await setAwsRole({ store, clock, aws }, { tenant, roleArn, account, by, at: clock.now() });
    const said = `${tenant} gets credentials of ${roleArn}. Other tenants' tags are denied there.\n`;
    process.stdout.write(json ? `${JSON.stringify({ tenant, role: roleArn, account: found })}\n` : said);
  });
}

/** Which tenant has a role of its own. */
export async function listRoles({ json }: Options): Promise<void> {
  await withAws("list", async ({ store, aws }) => {
    let none = true;
    for await (const { tenant, state, roleArn, setBy, setAt } of aws.roles.list(store)) {
      none = false;
      const line = `${tenant}  ${state.padEnd(9)}  ${roleArn}  since ${setAt.toISOString()} by ${setBy}`;
      process.stdout.write(`${json ? JSON.stringify({ tenant, state, role: roleArn, by: setBy, at: setAt }) : line}\n`);
    }
    if (none && !json) process.stdout.write("None: every tenant has the role of AWS_TENANT_ROLE_ARN.\n");
  });
}

/** From now on the tenant has the role of all again. */
export async function removeRole(tenant: string, { json }: Options): Promise<void> {
  await withAws("remove", async ({ store, clock, aws }) => {
    await removeAwsRole({ store, clock, aws }, { tenant, by: store.operator.by, at: clock.now() });
    const said = `${tenant} gets credentials of AWS_TENANT_ROLE_ARN again.\n`;
    process.stdout.write(json ? `${JSON.stringify({ tenant, removed: true })}\n` : said);
  });
}

async function withAws(command: string, work: (parts: Parts) => Promise<void>): Promise<void> {
  const settings = readSettings();
  const { catalog } = await readManifestFile();
  const clock = await operatorClock(settings);
  const aws = tenantAws({ settings, catalog, clock });
  await asOperator(settings, `aws roles ${command}`, (store) => work({ store, clock, aws }));
}
