import { sealedPlaces } from "../../src/cli/reseal.ts";
import { vaultOf } from "../../src/secrets/secrets.ts";
import { MOST_SECRETS, newEndpointId, newSecret } from "../../src/subscriptions/endpoint.ts";
import type { TestProvider } from "./provider.ts";

/** Rows of the marketplaces, each sealed for its place. */
export async function plantForeign(shop: TestProvider, tenant: string): Promise<void> {
  const vault = vaultOf(shop.ring);
  const sealed = (name: string, key: readonly string[], bound: string | null = null) => {
    const place = sealedPlaces.find(({ place }) => place === name);
    if (place === undefined) throw new Error(`There is no place ${name}.`);
    return vault.seal(place.contextOf(key, bound), `the value of ${name}`);
  };
  const [row] = await shop.look<{ resource_id: string }>("select resource_id from tenants where id = $1", [tenant]);
  const t = "'2026-03-01T12:00:00Z'";
  await shop.look(
    `insert into heroku_grants (tenant_id, state, access_sealed, refresh_sealed, access_expires_at, code_expires_at, code_sequence, changed_at)
     values ($1, 'active', $2, $3, ${t}, ${t}, 1, ${t})`,
    [tenant, sealed("heroku_grants.access_sealed", [tenant]), sealed("heroku_grants.refresh_sealed", [tenant])],
  );
  await shop.look(`insert into heroku_webhooks (tenant_id, secrets_sealed, created_at) values ($1, $2, ${t})`, [
    tenant,
    sealed("heroku_webhooks.secrets_sealed", [tenant]),
  ]);
  await shop.look(
    `insert into owed_calls (tenant_id, sequence, marketplace, kind, lane, payload, state, due_at, created_at)
     values ($1, 999, 'heroku', 'exchange-grant', 'g', jsonb_build_object('sealed', $2::text, 'expires_at', 'x'), 'delivered', ${t}, ${t})`,
    [tenant, sealed("owed_calls.payload", [tenant, "999"], row?.resource_id ?? "")],
  );
  const alert = "0b9d6e0e-5a43-4d0f-a8bb-2f5f1d2f3c11";
  await shop.look(
    `insert into usage_alerts (tenant_id, id, dimension, share_of, percent, url, secret_sealed, created_by, created_at)
     values ($1, $2, 'requests', 'limit', 50, 'https://example.com/', $3, 'test', ${t})`,
    [tenant, alert, sealed("usage_alerts.secret_sealed", [tenant, alert])],
  );
  await shop.look(
    `insert into aws_tokens (digest, sealed, trial, due_at, until, created_at) values ('d', $1, false, ${t}, ${t}, ${t})`,
    [sealed("aws_tokens.sealed", ["d"])],
  );
  await shop.look(
    `insert into aws_licences (key, generation, region, contact_sealed, created_at, changed_at)
     values ('k', 'licence', 'us-east-1', $1, ${t}, ${t})`,
    [sealed("aws_licences.contact_sealed", ["k"])],
  );
  const endpoint = newEndpointId();
  const secrets = Array.from({ length: MOST_SECRETS }, () => newSecret(vault, endpoint).row);
  await shop.look(
    `insert into endpoints (id, kind, name, state, secrets, created_at, changed_at)
     values ($1, 'http', '', 'on', $2, ${t}, ${t})`,
    [endpoint, JSON.stringify(secrets)],
  );
}
