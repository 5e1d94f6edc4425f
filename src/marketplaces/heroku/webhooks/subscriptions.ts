import { randomBytes } from "node:crypto";
import type { Tx } from "../../../db/db.ts";
import { isTenantId } from "../../../isolation/isolation.ts";
import type { SealedPlace } from "../../../secrets/secrets.ts";
import type { HerokuOptions } from "../options.ts";

/** What makes a webhook of one tenant credible. */
export interface Subscription {
  readonly tenant: string;
  /** Heroku's id, once it is known. */
  readonly webhookId: string | undefined;
  /** Heroku sends it as `Authorization: Bearer …`; it begins with the tenant's id, which says whose secret counts. */
  readonly token: string;
  /** Key of the HMAC over the body. */
  readonly secret: string;
}

interface SubscriptionRow {
  readonly secrets_sealed: string;
  readonly webhook_id: string | null;
}

/** The tenant's subscription as it will be asked for; made at the first call and the same from then on. */
export function prepareSubscription(options: HerokuOptions, tenant: string): Promise<Subscription> {
  const { store, vault, clock } = options;
  return store.asTenant(tenant, async (tx) => {
    const secrets = { token: `${tenant}.${randomText()}`, secret: randomText() };
    await tx.query(
      `insert into heroku_webhooks (tenant_id, secrets_sealed, created_at) values ($1, $2, $3)
       on conflict (tenant_id) do nothing`,
      [tenant, vault.seal(contextOf(tenant), JSON.stringify(secrets)), clock.now()],
    );
    const subscription = await read(options, tx, tenant);
    if (subscription === undefined) throw new Error("A subscription just written is not there.");
    return subscription;
  });
}

/** The subscription that a token names; whether it is the right token has still to be checked. */
export async function subscriptionNamedBy(options: HerokuOptions, token: string): Promise<Subscription | undefined> {
  const [tenant = ""] = token.split(".", 1);
  if (!isTenantId(tenant)) return undefined;
  return options.store.asTenant(tenant, (tx) => read(options, tx, tenant));
}

export async function keepWebhookId({ store }: HerokuOptions, tenant: string, id: string): Promise<void> {
  await store.asTenant(tenant, (tx) => tx.query("update heroku_webhooks set webhook_id = $1", [id]));
}

async function read({ vault }: HerokuOptions, tx: Tx, tenant: string): Promise<Subscription | undefined> {
  const [row] = await tx.query<SubscriptionRow>("select secrets_sealed, webhook_id from heroku_webhooks");
  if (row === undefined) return undefined;
  const { token, secret } = JSON.parse(vault.open(contextOf(tenant), row.secrets_sealed)) as Record<string, string>;
  return { tenant, token: token ?? "", secret: secret ?? "", webhookId: row.webhook_id ?? undefined };
}

export const webhookPlace: SealedPlace = {
  place: "heroku_webhooks.secrets_sealed",
  contextOf: ([tenant = ""]) => contextOf(tenant),
};

const contextOf = (tenant: string) => ({ tenant, field: "heroku-webhook", id: tenant });

const randomText = (): string => randomBytes(32).toString("base64url");
