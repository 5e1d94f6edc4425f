import type { Server } from "node:http";
import knex, { type Knex } from "knex";
import { configVars, type Purchase, purchaseOf } from "./request.ts";
import { BY, HINT_LENGTH, type Rows, rowsOf, SCOPES } from "./rows.ts";
import { stockServer } from "./stock-app.ts";

/** Express as it comes over knex as its documentation shows it: the same rows in two transactions. */
export function stockProvision(databaseUrl: string): Server {
  const db = knex({ client: "pg", connection: databaseUrl, pool: { min: 0, max: 10 } });
  return stockServer((app) => {
    app.post("/heroku/resources", async (req, res) => {
      const purchase = purchaseOf(req.body);
      if (purchase === undefined) return void res.status(422).json({});
      const rows = rowsOf(purchase);
      const known = await db.transaction((trx) => begin(trx, purchase, rows));
      if (known !== undefined) return void res.json(known);
      await db.transaction((trx) => finish(trx, rows));
      res.json({ id: rows.tenant, config: configVars(rows.key) });
    });
  });
}

async function begin(trx: Knex.Transaction, purchase: Purchase, rows: Rows): Promise<object | undefined> {
  const { now, tenant } = rows;
  const known = await trx("tenants").where({ marketplace: "heroku", resource_id: purchase.uuid }).first();
  if (known !== undefined) return known;
  await trx("tenants").insert({
    id: tenant,
    marketplace: "heroku",
    resource_id: purchase.uuid,
    plan: purchase.plan,
    region: purchase.region,
    state: "provisioning",
    name: purchase.name,
    request_digest: rows.digest,
    options: JSON.stringify(purchase.options),
    kept_sealed: rows.kept,
    last_event: 1,
    last_call: 1,
    created_at: now,
    changed_at: now,
  });
  await trx("operations").insert({
    id: rows.operation,
    tenant_id: tenant,
    kind: "provision",
    state: "running",
    target: { plan: purchase.plan },
    by: BY,
    at: now,
    attempts: 1,
    due_at: now,
    deadline_at: now,
    created_at: now,
  });
  await trx("credentials").insert({
    id: rows.credential,
    tenant_id: tenant,
    kind: "api-key",
    var: "ACME_SEARCH_API_KEY",
    state: "active",
    key_id: rows.keyId,
    key_hash: rows.keyHash,
    sealed: rows.keySealed,
    hint: rows.key.slice(-HINT_LENGTH),
    scopes: SCOPES,
    created_at: now,
  });
  await appendEvent(trx, rows, 1, "provision.requested", { plan: purchase.plan, region: purchase.region });
  await trx("owed_calls").insert({
    tenant_id: tenant,
    sequence: 1,
    marketplace: "heroku",
    kind: "heroku:exchange-grant",
    lane: rows.grant.slice(0, 22),
    payload: rows.grantPayload,
    once: rows.grant,
    state: "owed",
    due_at: now,
    created_at: now,
  });
  return undefined;
}

async function finish(trx: Knex.Transaction, rows: Rows): Promise<void> {
  const now = new Date();
  await trx("operations")
    .where({ tenant_id: rows.tenant, id: rows.operation })
    .update({ state: "done", ended_at: now });
  await trx("tenants").where({ id: rows.tenant }).update({ state: "active", last_event: 2, changed_at: now });
  await appendEvent(trx, rows, 2, "provision.done", { operation: rows.operation });
}

async function appendEvent(trx: Knex.Transaction, rows: Rows, sequence: number, type: string, data: object) {
  await trx("lifecycle_events").insert({
    tenant_id: rows.tenant,
    sequence,
    type,
    by: BY,
    at: rows.now,
    recorded_at: rows.now,
    data,
  });
}
