import type { MeasuredDatabase } from "../postgres.ts";

const MOST_TENANTS = 10_000;

/** Up to 10,000 tenants of a database. */
export function tenantsOf(database: MeasuredDatabase): Promise<readonly string[]> {
  return database.session(async (query) => {
    const rows = await query<{ id: string }>("select id from tenants order by created_at limit $1", [MOST_TENANTS]);
    return rows.map(({ id }) => id);
  });
}

/** What stores events without us: one table, whose key makes a repeat harmless. */
export async function withPlainEvents(database: MeasuredDatabase): Promise<MeasuredDatabase> {
  await database.session((query) =>
    query(`create table plain_events (
      tenant_id text not null, id text not null, dimension text not null, quantity numeric not null,
      occurred_at timestamptz not null, primary key (tenant_id, id))`),
  );
  return database;
}

/** Ready for COPY into the day of today, also when that ends meanwhile. */
export async function withDays(database: MeasuredDatabase): Promise<MeasuredDatabase> {
  const today = Date.now();
  const days = [today, today + 86_400_000].map((ms) => new Date(ms).toISOString().slice(0, 10));
  await database.session((query) => query("select make_usage_days($1::date[])", [days]));
  return database;
}
