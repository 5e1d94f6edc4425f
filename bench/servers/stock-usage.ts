import type { Server } from "node:http";
import knex from "knex";
import { stockServer } from "./stock-app.ts";

export interface Event {
  readonly id: string;
  readonly tenant: string;
  readonly dimension: string;
  readonly quantity: number;
  readonly time: string;
}

/** Express as it comes over knex as its documentation shows it: one INSERT for the events of a request. */
export function stockUsage(databaseUrl: string): Server {
  const db = knex({ client: "pg", connection: databaseUrl, pool: { min: 0, max: 10 } });
  return stockServer((app) => {
    app.post("/v1/usage", async (req, res) => {
      const events: Event[] = Array.isArray(req.body) ? req.body : [req.body];
      if (!events.every(isEvent)) return void res.status(422).json({});
      await db("plain_events").insert(events.map(rowOf)).onConflict(["tenant_id", "id"]).ignore();
      res.json({ receipts: events.map(({ id }) => ({ id, status: "accepted" })) });
    });
  }, "bearer");
}

export function isEvent({ id, tenant, dimension, quantity, time }: Event): boolean {
  const texts = [id, tenant, dimension].every((text) => typeof text === "string" && text !== "" && text.length <= 200);
  return texts && Number.isInteger(quantity) && quantity >= 0 && !Number.isNaN(Date.parse(time));
}

function rowOf({ id, tenant, dimension, quantity, time }: Event) {
  return { id, tenant_id: tenant, dimension, quantity, occurred_at: new Date(time) };
}
