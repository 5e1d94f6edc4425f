import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Outcome } from "./probe.ts";
import type { World } from "./world.ts";

/** Whether it lets in; else PostgreSQL's code. */
export async function entry(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("select 1");
    return "in";
  } catch (fault) {
    return (fault as pg.DatabaseError).code ?? "away";
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The probe: nobody gets in with this. */
export async function shut(url: string): Promise<Outcome> {
  const answer = await entry(url);
  return /^28/.test(answer) ? "refused" : `leak: it is answered ${answer}`;
}

/** The probe: none of these words is the password of this login. */
export async function shutToOthers(url: string, passwords: readonly string[]): Promise<Outcome> {
  for (const password of passwords) {
    const outcome = await shut(Object.assign(new URL(url), { password }).href);
    if (outcome !== "refused") return outcome;
  }
  return "refused";
}

/** The probe: nobody gets in any more, and who was in is out within the time. */
export async function over(url: string, session: pg.Client, withinMs = 5_000): Promise<Outcome> {
  const outcome = await shut(url);
  if (outcome !== "refused") return outcome;
  for (const until = performance.now() + withinMs; ; await sleep(50)) {
    const alive = await session.query("select 1").then(
      () => true,
      () => false,
    );
    if (!alive) return "refused";
    if (performance.now() > until) return "leak: its session goes on";
  }
}

interface Through {
  /** Two clients of one pooler. */
  readonly a: pg.Client;
  readonly b: pg.Client;
}

/** The probe: a asks for everything that b has left on a pooled connection. */
export async function metByAnother({ a, b }: Through, world: World): Promise<Outcome> {
  await b.query(`set app.tenant_id = '${world.b.pool.id}'; prepare theirs as select item from orders`);
  const own = JSON.stringify((await b.query("execute theirs")).rows);
  if (!own.includes(world.canary)) throw new Error("b does not see what is b's.");
  await b.query("declare kept cursor with hold for select item from orders; listen everything");
  for (const sql of [
    "execute theirs",
    "fetch all from kept",
    "select item from orders",
    "select current_setting('app.tenant_id', true)",
    "select * from pg_prepared_statements",
  ]) {
    const seen = await textOf(a, sql);
    if (seen.includes(world.canary) || seen.includes(world.b.pool.id)) return `leak: ${sql} answered ${seen}`;
  }
  return "own rows";
}

/** The probe: what the vendor prepares within b's transaction is executed within a's, and within nobody's. */
export async function planOfAnother({ a, b }: Through, world: World, prepared: string): Promise<Outcome> {
  const within = async (client: pg.Client, tenant: string, sql: string): Promise<string> => {
    await client.query(
      `begin; set local plan_cache_mode = force_generic_plan; select set_config('app.tenant_id', '${tenant}', true)`,
    );
    const seen = await textOf(client, sql);
    await client.query("commit");
    return seen;
  };
  await within(b, world.b.pool.id, `prepare ${prepared} as select item from orders`);
  const own = await within(b, world.b.pool.id, `execute ${prepared}`);
  if (!own.includes(world.canary)) throw new Error("b does not see what is b's.");
  const seen = await within(a, world.a.pool.id, `execute ${prepared}`);
  if (seen.includes(world.canary)) return `leak: a's transaction saw ${seen}`;
  if (!seen.includes("of a")) return `leak: a's transaction saw nothing of a's: ${seen}`;
  const left = await textOf(a, `execute ${prepared}`);
  return left === "[]" ? "own rows" : `leak: what belongs to no tenant saw ${left}`;
}

/** The probe: a client that names no tenant sees no row. */
export async function rowsOfNobody(client: pg.Client): Promise<Outcome> {
  const seen = await textOf(client, "select item from orders");
  return seen === "[]" ? "own rows" : `leak: it saw ${seen}`;
}

/** Its rows, or its error. */
const textOf = (client: pg.Client, sql: string): Promise<string> =>
  client.query(sql).then(
    ({ rows }) => JSON.stringify(rows),
    (fault: pg.DatabaseError) => String(fault.code),
  );
