import { fill } from "../fill.ts";
import { fillEvents, unhurried } from "../metering/fill-usage.ts";
import { measuredMint } from "../parties.ts";
import type { MeasuredDatabase, Query } from "../postgres.ts";
import { BUSY, DRESS, KEPT, PURCHASES, TERMS, TROUBLES } from "./console-rows.ts";
import { ATTEMPTS, MONTHS, PICTURES, RECORDS } from "./usage-rows.ts";

/** One tenant in so many meters; the others have bought and are quiet. */
const METERED = 500;
const FEWEST_METERED = 200;
/** So many of each kind of trouble are in either database: more than any page looks at. */
const TROUBLED = 1_500;
/** Enough for a full page of any look at the audit. */
const FEWEST_AUDITED = 10_000;
const AUDIT_AT_ONCE = 1_000;

/**
 * Puts `tenants` with everything that the console shows of them into an empty database: purchases of two marketplaces,
 * people, licences, operations, owed calls, deliveries, an audit; and `events` of thirty days with their records, attempts
 * and pictures. Whatever a trigger or the worker would have made is made here as well.
 */
export async function fillConsole(database: MeasuredDatabase, tenants: number, events: number): Promise<void> {
  await fill(database, tenants, await measuredMint());
  await asReplica(database, DRESS);
  await Promise.all([
    fillEvents(database, events, meteredOf(tenants)),
    asReplica(database, [[RECORDS, [meteredOf(tenants)]], ATTEMPTS, MONTHS]),
    asReplica(database, [...PURCHASES, ...TERMS]),
    asReplica(database, [...withValue(TROUBLES, TROUBLED), ...BUSY]),
    asReplica(database, withValue(KEPT, tenants)),
    unhurried(database, (query) => fillAudit(query, Math.max(tenants / 20, FEWEST_AUDITED))),
  ]);
  await unhurried(database, async (query) => {
    await query("vacuum (analyze)");
    for (const statement of PICTURES) await query(statement);
    while ((await query<{ more: boolean }>("select roll_tops(now()) as more"))[0]?.more);
    await query("vacuum (analyze)");
    await query("checkpoint");
  });
}

const meteredOf = (tenants: number): number => Math.max(tenants / METERED, FEWEST_METERED);

type Filling = string | readonly [text: string, values: readonly unknown[]];

const withValue = (statements: readonly string[], value: number): readonly Filling[] =>
  statements.map((text) => [text, [value]]);

/** The rows fit together as they are made; what the triggers would add is added here. */
function asReplica(database: MeasuredDatabase, fillings: readonly Filling[]): Promise<void> {
  return unhurried(database, async (query) => {
    await query("set session_replication_role = replica");
    await query("set work_mem = '256MB'");
    for (const filling of fillings) await (typeof filling === "string" ? query(filling) : query(...filling));
  });
}

/** Each entry covers the one before, so they are written as ever. */
async function fillAudit(query: Query, entries: number): Promise<void> {
  for (let written = 0; written < entries; written += AUDIT_AT_ONCE) {
    await query(
      `select write_audit('operator', (array['operator.crossed', 'person.signed_in', 'operator.acted'])[1 + i % 3],
         'operator:person' || i % 20 || '@acme-search.example', at, at, '{"reason": "looks at the console''s home"}')
       from (select i, now() - interval '400 days' + ($1 + i) * interval '400 days' / $2 as at
             from generate_series(1, $3::int) i) entries`,
      [written, entries + AUDIT_AT_ONCE, AUDIT_AT_ONCE],
    );
  }
}
