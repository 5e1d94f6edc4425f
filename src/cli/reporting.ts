import { randomBytes } from "node:crypto";
import pg from "pg";
import { readSettings, type Settings } from "../config.ts";
import { withClient } from "../db/embedded/roles.ts";
import { runningEmbedded } from "../db/embedded/running.ts";
import { ProviderError } from "../errors.ts";
import { asOperator } from "./operator-database.ts";

interface LoginOptions {
  readonly seconds: number;
  readonly connections: number;
  readonly json?: boolean;
}

const EXISTS = "42710";

/**
 * Makes a login for a BI tool: it may read the views of the schema `reporting`, and nothing else. Its password is told once and kept
 * nowhere. `request_conflict` when there is such a role; `config_invalid` where the views cannot be read by others.
 */
export async function reportingLogin(name: string, { seconds, connections, json }: LoginOptions): Promise<void> {
  const settings = readSettings();
  const owner = await ownerUrl(settings);
  const password = randomBytes(24).toString("base64url");
  await asOperator(settings, `reporting login ${name}`, (store) =>
    store.throughDoor({
      text: "select append_audit('operator', 'reporting.login', $1, $2, $2, $3)",
      values: [store.operator.by, store.operator.at, JSON.stringify({ login: name, seconds, connections })],
    }),
  );
  await withClient(owner, (client) => makeLogin(client, name, password, { seconds, connections }));
  const url = Object.assign(new URL(owner), { username: name, password }).href;
  process.stdout.write(
    json ? `${JSON.stringify({ login: name, password, url })}\n` : `${url}\n(The password is not kept: note it now.)\n`,
  );
}

async function ownerUrl({ migrationDatabaseUrl, databaseUrl, dataDir }: Settings): Promise<string> {
  const url = migrationDatabaseUrl ?? databaseUrl ?? (await runningEmbedded(dataDir))?.ownerUrl;
  if (url !== undefined) return url;
  throw new ProviderError("config_invalid", "There is no database to make a login on.", {
    faults: [
      { at: "MIGRATION_DATABASE_URL", message: "is missing, and no `stallholder serve` runs with this DATA_DIR" },
    ],
  });
}

async function makeLogin(
  client: pg.Client,
  name: string,
  password: string,
  { seconds, connections }: Pick<LoginOptions, "seconds" | "connections">,
): Promise<void> {
  const { rows } = await client.query<{ ready: boolean }>(
    `select exists (select from pg_views where schemaname = 'reporting' and viewowner = 'stallholder_views') as ready`,
  );
  if (!rows[0]?.ready) {
    throw new ProviderError(
      "config_invalid",
      "The views cannot be read here: whoever migrated could not make roles (docs/reporting.md).",
    );
  }
  const role = pg.escapeIdentifier(name);
  const { rows: here } = await client.query<{ database: string }>("select current_database() as database");
  const database = pg.escapeIdentifier(here[0]?.database ?? "");
  await client
    .query(
      `begin;
       create role ${role} login inherit nocreatedb nocreaterole connection limit ${connections}
         password ${pg.escapeLiteral(password)} in role stallholder_reporting;
       alter role ${role} set statement_timeout = '${seconds}s';
       alter role ${role} set idle_in_transaction_session_timeout = '60s';
       alter role ${role} set default_transaction_read_only = on;
       alter role ${role} set search_path = reporting;
       grant connect on database ${database} to stallholder_reporting;
       commit`,
    )
    .catch((fault: unknown) => {
      if (!(fault instanceof pg.DatabaseError) || fault.code !== EXISTS) throw fault;
      throw new ProviderError(
        "request_conflict",
        `There is a role ${name} already. Take another name, or: drop role ${name}`,
      );
    });
}
