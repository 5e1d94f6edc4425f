import pg from "pg";
import { open } from "../tenant-server.ts";
import type { Kind, World } from "./world.ts";

/** What a probe came to. */
export type Outcome = "refused" | "own rows" | `leak: ${string}`;

/** One way to read, change, count or feel what is another's. */
export interface TenantProbe {
  readonly name: string;
  /** Who tries it. */
  readonly as: readonly Kind[];
  readonly run: (session: Session, world: World) => Promise<Outcome>;
  /** What somebody would have to do wrong, as a superuser, for the probe to succeed. */
  readonly flaw: (world: World, kind: Kind) => string;
  /** How that is set right again. */
  readonly mend: (world: World, kind: Kind) => string;
}

export interface Session {
  readonly kind: Kind;
  readonly client: pg.Client;
  /** What it answers, as text, with every notice since the last; or PostgreSQL's code and words. */
  attempt(sql: string): Promise<Attempt>;
}

export interface Attempt {
  readonly code: string | undefined;
  readonly text: string;
}

/** Opens a session with the credential of a's config var. */
export async function openSession(world: World, kind: Kind): Promise<Session> {
  const client = await open(world.a[kind].url);
  // The customer of a reading login may do the same.
  if (kind === "reader") await client.query("set default_transaction_read_only = off");
  const notices: string[] = [];
  client.on("notice", ({ message }) => notices.push(message ?? ""));
  client.on("notification", ({ payload }) => notices.push(payload ?? ""));
  const attempt = async (sql: string): Promise<Attempt> => {
    try {
      const answer = await client.query(sql);
      return { code: undefined, text: JSON.stringify([[answer].flat().map(({ rows }) => rows), notices]) };
    } catch (fault) {
      if (!(fault instanceof pg.DatabaseError)) throw fault;
      await client.query("rollback").catch(() => undefined);
      return { code: fault.code, text: JSON.stringify([fault.message, fault.detail, fault.hint, notices]) };
    } finally {
      notices.length = 0;
    }
  };
  return { kind, client, attempt };
}

/** Not allowed; object in use, not there, or not supported under row level security. */
const REFUSALS = ["42501", "42P01", "3F000", "0A000", "25006", "55000"];

/** Each of these is refused. */
export async function refused(session: Session, statements: readonly string[], codes = REFUSALS): Promise<Outcome> {
  for (const sql of statements) {
    const { code, text } = await session.attempt(sql);
    if (code === undefined) return `leak: ${sql} was done`;
    if (!codes.includes(code)) return `leak: ${sql} failed otherwise: ${code} ${text}`;
  }
  return "refused";
}

/** Whatever these answer, nothing of b's is in it. */
export async function ownOnly(session: Session, world: World, statements: readonly string[]): Promise<Outcome> {
  let outcome: Outcome = "own rows";
  for (const sql of statements) {
    const { code, text } = await session.attempt(sql);
    if (text.includes(world.canary) || text.includes(world.order.b)) return `leak: ${sql} answered ${text}`;
    if (code !== undefined) outcome = "refused";
  }
  return outcome;
}

/** These count no more than a's own two orders, or are refused. */
export async function ownCount(session: Session, statements: readonly string[], own = 2): Promise<Outcome> {
  for (const sql of statements) {
    const { code, text } = await session.attempt(sql);
    const counted = Number(/"count":"?(\d+)/.exec(text)?.[1]);
    if (code === undefined && counted > own) return `leak: ${sql} counted ${counted}`;
  }
  return "own rows";
}

/** Afterwards everything of b's is as it was. */
export async function unchanged(session: Session, world: World, statements: readonly string[]): Promise<Outcome> {
  const state = async () =>
    JSON.stringify(
      await world.look(
        `select 'o', to_jsonb(t) - 'n' from orders t where tenant_id = '${world.b.pool.id}'
         union all select 'l', to_jsonb(t) from lines t where tenant_id = '${world.b.pool.id}' order by 1, 2`,
      ),
    );
  const before = await state();
  for (const sql of statements) {
    const { code } = await session.attempt(sql);
    if ((await state()) !== before) {
      await world.reset();
      return `leak: ${sql} changed what is b's (${code})`;
    }
  }
  await world.reset();
  return "own rows";
}

/** Two statements that differ only in whether b has something answer alike. */
export async function unfelt(session: Session, world: World, there: string, missing: string): Promise<Outcome> {
  const [one, other] = [await session.attempt(there), await session.attempt(missing)];
  await world.reset();
  if (one.code === other.code) return one.code === undefined ? "own rows" : "refused";
  return `leak: ${there} answered ${one.code}, ${missing} answered ${other.code}`;
}
