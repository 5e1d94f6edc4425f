import type pg from "pg";

/** Small for as long as the service lives: nobody asks that an index serve them. */
const SMALL = ["endpoints", "audit_chains"];

/**
 * Which of `tables`, or of all, were read whole while `sql` ran as the serving role. `seqscan: "off"` asks less of a
 * small table: only that an index could serve.
 */
export async function readWhole(
  superuser: pg.Client,
  sql: string,
  { seqscan = "on", tables }: { seqscan?: "on" | "off"; tables?: readonly string[] } = {},
): Promise<string[]> {
  await superuser.query("select pg_stat_force_next_flush()");
  await superuser.query(`discard plans; begin; set local role stallholder_app; set local enable_seqscan = ${seqscan}`);
  await superuser.query(sql);
  await superuser.query("reset role");
  const { rows } = await superuser.query<{ relname: string }>(
    `select relname from pg_stat_xact_user_tables where seq_scan > 0 and relname <> all($1)
       and ($2::text[] is null or relname = any($2)) order by 1`,
    [SMALL, tables ?? null],
  );
  await superuser.query("rollback");
  return rows.map(({ relname }) => relname);
}
