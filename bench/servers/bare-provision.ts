import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import pg from "pg";
import { answerJson, configVars, isAdmitted, type Purchase, purchaseOf, readJson } from "./request.ts";
import { BY, HINT_LENGTH, type Rows, rowsOf, SCOPES } from "./rows.ts";

/** `node:http` and `pg`: the rows of a purchase in two commits, each one prepared statement and one round trip. */
export function bareProvision(databaseUrl: string): Server {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 });
  return createServer((req, res) => void answer(pool, req, res));
}

async function answer(pool: pg.Pool, req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (!isAdmitted(req.headers.authorization, "basic")) return answerJson(res, 401, {});
  const purchase = purchaseOf(await readJson(req));
  if (purchase === undefined) return answerJson(res, 422, {});
  const rows = rowsOf(purchase);
  await pool.query({ name: "begin", text: BEGIN, values: beginValues(purchase, rows) });
  await pool.query({ name: "finish", text: FINISH, values: [rows.tenant, rows.operation, new Date(), BY] });
  answerJson(res, 200, { id: rows.tenant, config: configVars(rows.key) });
}

const BEGIN = `
with tenant as (
  insert into tenants (id, marketplace, resource_id, plan, region, state, name, request_digest, options, kept_sealed,
                       last_event, last_call, created_at, changed_at)
  values ($1, 'heroku', $2, $3, $4, 'provisioning', $5, $6, $7, $8, 1, 1, $9, $9)
), operation as (
  insert into operations (id, tenant_id, kind, state, target, by, at, attempts, due_at, deadline_at, created_at)
  values ($10, $1, 'provision', 'running', jsonb_build_object('plan', $3::text), $11, $9, 1, $9, $9, $9)
), credential as (
  insert into credentials (id, tenant_id, kind, var, state, key_id, key_hash, sealed, hint, scopes, created_at)
  values ($12, $1, 'api-key', 'ACME_SEARCH_API_KEY', 'active', $13, $14, $15, $16, $17, $9)
), event as (
  insert into lifecycle_events (tenant_id, sequence, type, by, at, recorded_at, data)
  values ($1, 1, 'provision.requested', $11, $9, $9, jsonb_build_object('plan', $3::text, 'region', $4::text))
)
insert into owed_calls (tenant_id, sequence, marketplace, kind, lane, payload, once, state, due_at, created_at)
values ($1, 1, 'heroku', 'heroku:exchange-grant', left($18, 22), $19, $18, 'owed', $9, $9)`;

function beginValues(purchase: Purchase, rows: Rows): unknown[] {
  return [
    rows.tenant,
    purchase.uuid,
    purchase.plan,
    purchase.region,
    purchase.name,
    rows.digest,
    JSON.stringify(purchase.options),
    rows.kept,
    rows.now,
    rows.operation,
    BY,
    rows.credential,
    rows.keyId,
    rows.keyHash,
    rows.keySealed,
    rows.key.slice(-HINT_LENGTH),
    SCOPES,
    rows.grant,
    JSON.stringify(rows.grantPayload),
  ];
}

const FINISH = `
with operation as (
  update operations set state = 'done', ended_at = $3 where tenant_id = $1 and id = $2
), event as (
  insert into lifecycle_events (tenant_id, sequence, type, by, at, recorded_at, data)
  values ($1, 2, 'provision.done', $4, $3, $3, jsonb_build_object('operation', $2::uuid))
)
update tenants set state = 'active', last_event = 2, changed_at = $3 where id = $1`;
