import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import pg from "pg";
import { measuredMint } from "../parties.ts";
import { answerJson, isAdmitted, readJson } from "./request.ts";

interface Row {
  readonly id: string;
  readonly plan: string;
  readonly tenant_state: string;
  readonly state: string;
  readonly key_hash: string;
  readonly scopes: string[];
}

/** `node:http` and `pg`: one prepared SELECT by the id in the key, and the comparison of its hash. */
export async function bareVerify(databaseUrl: string): Promise<Server> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 });
  const { pepper } = await measuredMint();

  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    if (!isAdmitted(req.headers.authorization, "bearer")) return answerJson(res, 401, {});
    const { key } = (await readJson(req)) as { key?: unknown };
    if (typeof key !== "string") return answerJson(res, 422, {});
    const { rows } = await pool.query<Row>({ name: "find", text: FIND, values: [key.split("_")[2]] });
    const [row] = rows;
    const hash = createHmac("sha256", pepper).update(key).digest();
    if (row === undefined || !timingSafeEqual(hash, Buffer.from(row.key_hash, "hex"))) {
      return answerJson(res, 200, { valid: false, code: "unknown" });
    }
    if (row.state !== "active" || row.tenant_state !== "active") {
      return answerJson(res, 200, { valid: false, code: "revoked" });
    }
    answerJson(res, 200, { valid: true, tenant: row.id, plan: row.plan, limits: LIMITS, scopes: row.scopes });
  };
  return createServer((req, res) => void answer(req, res));
}

const LIMITS = { requests: 100_000, documents: 10_000 };

const FIND = `select t.id, t.plan, t.state as tenant_state, c.state, c.key_hash, c.scopes
from credentials c join tenants t on t.id = c.tenant_id where c.key_id = $1`;
