import type { Clock } from "../../clock.ts";
import { type Fault, ProviderError } from "../../errors.ts";
import { isTenantId } from "../isolation.ts";
import {
  type AwsConnection,
  breakRole,
  endConnection,
  keepRole,
  offerConnection,
  type RoleVerdict,
  readConnection,
  verifiedAccount,
} from "./connections/connection.ts";
import { type RoleCheck, verifyRole } from "./connections/verify-role.ts";
import { listTenantRoles, readTenantRole, removeTenantRole, setTenantRole } from "./roles/roles.ts";
import { type TenantRoleCheck, verifyTenantRole } from "./roles/verify-tenant-role.ts";
import { failures } from "./sessions/failures.ts";
import { keptSessions } from "./sessions/kept-sessions.ts";
import { type Assumption, type AwsSession, openSts, type StsAccess } from "./sessions/sts.ts";
import { cloudFormation } from "./templates/cloudformation.ts";
import type { Json } from "./templates/cloudformation-text.ts";
import { type ConnectedTenant, type ConnectWanted, connectTemplate } from "./templates/connect.ts";
import { models, services, TENANT_TAG, type Wanted } from "./templates/statement.ts";
import { terraform } from "./templates/terraform.ts";

const formats = ["cloudformation", "terraform"] as const;

/** As somebody asks for it, in words that may not be ours. */
export interface TemplateAsked {
  /** Separated by commas. */
  readonly services: string;
  readonly model: string;
  readonly format: string;
  /** `STALLHOLDER_ENV` */
  readonly environment: string;
  /** Id of the product. */
  readonly product: string;
}

/**
 * The tenants' role, its policies and what keeps their data, as one document to deploy. Throws `request_malformed` for a
 * service, model or format that there is not.
 */
export function isolationTemplate({ services: list, model, format, environment, product }: TemplateAsked): Json {
  const names = [...new Set(list.split(",").map((name) => name.trim()))];
  const faults: Fault[] = [
    ...names.filter((name) => !isOf(services, name)).map((name) => fault("--services", name, services)),
    ...(isOf(models, model) ? [] : [fault("--model", model, models)]),
    ...(isOf(formats, format) ? [] : [fault("--format", format, formats)]),
  ];
  if (faults.length > 0 || !isOf(models, model))
    throw new ProviderError("request_malformed", "There is no such template.", { faults });
  const wanted: Wanted = { services: services.filter((name) => names.includes(name)), model, environment, product };
  return format === "terraform" ? terraform(wanted) : cloudFormation(wanted);
}

const isOf = <T extends string>(known: readonly T[], name: string): name is T => known.some((one) => one === name);

const fault = (at: string, name: string, known: readonly string[]): Fault => ({
  at,
  message: `${name === "" ? "is empty" : `does not know ${name}`}: it takes ${known.join(", ")}`,
});

/** The customer's template; see `ConnectWanted`. */
export const awsConnectTemplate = (wanted: ConnectWanted): Json => connectTemplate(wanted);

export type { AwsConnection, AwsSession, ConnectedTenant, ConnectWanted, RoleVerdict, StsAccess };

export interface AwsAccessOptions extends StsAccess {
  /** `STALLHOLDER_ENV` */
  readonly environment: string;
  /** The role of the printed template; without it only tenants with a role of their own are vended to. */
  readonly tenantRoleArn: string | undefined;
  readonly clock: Clock;
}

/** A session of a tenant that somebody asks for. */
export interface VendingAsked {
  readonly tenant: string;
  /** Its own, where it has one. */
  readonly roleArn?: string | undefined;
  /** Who asks, and as what the tenant was found: another answer there is another session. */
  readonly purpose: string;
  readonly seconds: number;
  /** Runs once for each new session, before anybody gets it; what it throws, everybody gets. */
  readonly confirm: () => Promise<void>;
  /** Runs when AWS denied it, or gave no answer; for one a minute of those that are alike, with how many it leaves out. */
  readonly failed: (reason: string, untold: number) => Promise<void>;
}

/** What we ask of AWS in the name of tenants. `aws_unavailable` when it is away or slow, `aws_refused` for our own set-up. */
export interface AwsAccess {
  /**
   * Credentials that open one tenant's data: the tenants' role, assumed with the tag that says whose they are. Kept in
   * memory while most of their time is left.
   */
  vend(asked: VendingAsked): Promise<AwsSession>;
  /** Credentials of the role that a customer connected; `undefined` when AWS denies it now. Kept as above. */
  useConnected(asked: VendingAsked, connection: AwsConnection): Promise<AwsSession | undefined>;
  /** The tenant's kept credentials are handed out no more. */
  forget(tenant: string): void;
  /** Tries a customer's role; `request_malformed` for what is no role. */
  verify(check: RoleCheck): Promise<RoleVerdict>;
  /** Tries a role that is to be one tenant's; `request_malformed` for what is no role. */
  verifyTenantRole(check: TenantRoleCheck): Promise<RoleVerdict>;
  /** Number of the account that this service runs in. */
  account(): Promise<string>;
  readonly environment: string;
  /** The rows of connections, in a transaction of their tenant. */
  readonly connections: typeof connections;
  /** The rows of tenants' own roles, in a transaction of their tenant. */
  readonly roles: typeof roles;
}

const connections = {
  read: readConnection,
  offer: offerConnection,
  verifiedAccount,
  keep: keepRole,
  break: breakRole,
  end: endConnection,
} as const;

const roles = { read: readTenantRole, set: setTenantRole, remove: removeTenantRole, list: listTenantRoles } as const;

/** Opens AWS without a byte being sent. */
export function createAwsAccess(options: AwsAccessOptions): AwsAccess {
  const { environment, tenantRoleArn, clock } = options;
  const sts = openSts(options);
  const kept = keptSessions(clock);
  const failing = failures(clock);
  /** IAM cannot check the whole grammar, and what AWS allows in a tag reaches further than an id. */
  const nameOf = (tenant: string): string => {
    if (isTenantId(tenant)) return `${environment}-${tenant}`;
    throw new ProviderError("tenant_not_found", "There is no such tenant.");
  };
  const take = (
    { tenant, purpose, seconds, confirm, failed }: VendingAsked,
    assumption: Omit<Assumption, "sessionName" | "seconds">,
  ) => {
    const { roleArn } = assumption;
    const tell = (reason: string) =>
      failing.note({ tenant, purpose, roleArn, reason }, (untold) => failed(reason, untold));
    return kept.take({ tenant, purpose: `${roleArn} ${purpose}`, seconds }, async () => {
      const assumed = await sts
        .assume({ ...assumption, sessionName: nameOf(tenant), seconds })
        .catch(async (fault: unknown) => {
          await tell(reasonOf(fault));
          throw fault;
        });
      if (assumed.kind === "denied") {
        await tell("denied");
        throw new Denied();
      }
      await confirm();
      return assumed.session;
    });
  };
  return {
    vend: async (asked) => {
      nameOf(asked.tenant);
      const roleArn = asked.roleArn ?? tenantRoleArn;
      if (roleArn === undefined)
        throw refusal("AWS_TENANT_ROLE_ARN is not set, and the tenant has no role of its own.");
      return take(asked, { roleArn, tags: { [TENANT_TAG]: asked.tenant } }).catch((fault: unknown) => {
        throw fault instanceof Denied ? refusal(`AWS denied the role ${roleArn}: look at its trust policy.`) : fault;
      });
    },
    useConnected: async (asked, { roleArn, externalId }) => {
      if (roleArn === null) return undefined;
      return take(asked, { roleArn, externalId }).catch((fault: unknown) => {
        if (fault instanceof Denied) return undefined;
        throw fault;
      });
    },
    forget: kept.forget,
    verify: (check) => verifyRole(sts, check),
    verifyTenantRole: async (check) => {
      nameOf(check.tenant);
      return verifyTenantRole(sts, environment, check);
    },
    account: sts.account,
    environment,
    connections,
    roles,
  };
}

/** AWS's answer, until somebody words it. */
class Denied extends Error {}

/** AWS's own name of the fault: it holds nothing of what was sent. */
function reasonOf(fault: unknown): string {
  const { code, cause } = Object(fault) as { readonly code?: unknown; readonly cause?: unknown };
  const { name } = Object(cause) as { readonly name?: unknown };
  return `${code === "aws_unavailable" ? "no answer" : "refused"}${typeof name === "string" ? ` (${name})` : ""}`;
}

const refusal = (reason: string): ProviderError =>
  new ProviderError(
    "aws_refused",
    "AWS gives no credentials at the moment: the vendor's set-up there has to be looked at.",
    {
      cause: new Error(reason),
    },
  );
