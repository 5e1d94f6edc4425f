import { apiKeyHash, mintApiKey } from "../src/credentials/api-key.ts";
import type { Mint } from "../src/credentials/credentials.ts";
import type { MeasuredDatabase } from "./postgres.ts";

/** Keys that are asked about, spread evenly over the tenants; the hashes of the others belong to no key. */
const KNOWN_KEYS = 50_000;

/**
 * Puts `count` tenants with all rows of their purchase into an empty database, and answers the API keys of up to 50,000
 * of them. Ids come in no order, as they do in life.
 */
export async function fill(database: MeasuredDatabase, count: number, mint: Mint): Promise<readonly string[]> {
  const known = Array.from({ length: Math.min(count, KNOWN_KEYS) }, () => mintApiKey(mint.prefix));
  const hashes = known.map(({ value }) => apiKeyHash(mint.pepper, value).toString("hex"));
  await database.session(async (query) => {
    // The rows fit together as they are made; checking each reference again would take longer than making them.
    await query("set session_replication_role = replica");
    await query("set synchronous_commit = off");
    await query(PURCHASES, [count]);
    await query(KNOWN, [known.map(({ keyId }) => keyId), hashes, count / known.length]);
    await query("create unique index on known (i)");
    await query("analyze purchases, known");
    for (const statement of ROWS) await query(statement);
    await query("vacuum analyze");
    await query("checkpoint");
  });
  return known.map(({ value }) => value);
}

const PURCHASES = `
create temp table purchases as
select i, gen_random_uuid() as uuid, md5(i::text || random()) as digest, gen_random_uuid() as operation,
       chr(97 + floor(random() * 26)::int) || left(translate(md5(random()::text || i), '0189', 'ghij'), 25) as tenant,
       now() - interval '400 days' + i * interval '400 days' / $1::int as at
from generate_series(1, $1::int) i`;

const KNOWN = `
create temp table known as
select floor(place * $3::float8)::int as i, key_id, key_hash
from unnest($1::text[], $2::text[]) with ordinality as k(key_id, key_hash, place)`;

/** As long as a sealed value of ours is. */
const SEALED = "'v1.bench.' || encode(sha256(p.uuid::text::bytea), 'hex') || p.digest || p.digest";

const ROWS = [
  `insert into tenants (id, marketplace, resource_id, plan, region, state, name, request_digest, options, kept_sealed,
                        last_event, last_call, created_at, changed_at)
   select p.tenant, 'heroku', p.uuid::text, 'basic', 'us', 'active', 'acme-search-cubic-' || p.i, p.digest || p.digest,
          '{"size": "large"}', ${SEALED}, 2, 1, p.at, p.at
   from purchases p order by p.i`,
  `insert into operations (id, tenant_id, kind, state, target, by, at, attempts, due_at, deadline_at, created_at, ended_at)
   select p.operation, p.tenant, 'provision', 'done', '{"plan": "basic"}', 'marketplace:heroku', p.at, 1, p.at, p.at,
          p.at, p.at
   from purchases p order by p.i`,
  `insert into credentials (id, tenant_id, kind, var, state, key_id, key_hash, sealed, hint, scopes, created_at)
   select gen_random_uuid(), p.tenant, 'api-key', 'ACME_SEARCH_API_KEY', 'active',
          coalesce(k.key_id, left(translate(md5(p.digest), '0189', 'ghij'), 16)),
          coalesce(k.key_hash, encode(sha256(p.digest::bytea), 'hex')), ${SEALED}, right(p.digest, 4),
          '{tenant:read,token}', p.at
   from purchases p left join known k using (i) order by p.i`,
  `insert into lifecycle_events (tenant_id, sequence, type, by, at, recorded_at, data)
   select p.tenant, s, case s when 1 then 'provision.requested' else 'provision.done' end, 'marketplace:heroku', p.at, p.at,
          case s when 1 then '{"plan": "basic", "region": "us"}' else jsonb_build_object('operation', p.operation) end
   from purchases p, generate_series(1, 2) s order by p.i, s`,
  `insert into owed_calls (tenant_id, sequence, marketplace, kind, lane, payload, once, state, due_at, attempts, created_at,
                           ended_at)
   select p.tenant, 1, 'heroku', 'heroku:exchange-grant', 'grant-' || left(p.digest, 16),
          jsonb_build_object('sealed', ${SEALED}, 'expires_at', p.at), 'grant-' || p.digest || p.digest, 'delivered',
          p.at, 1, p.at, p.at
   from purchases p order by p.i`,
];
