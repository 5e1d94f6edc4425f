import fc from "fast-check";
import pg from "pg";
import { copyPlace, differencesBetween, type Place } from "../src/isolation/copy/copy.ts";
import { type RandomSchema, randomSchema } from "./support/random-schema.ts";
import { asTenant, type TenantServer, tenantServer } from "./support/tenant-places.ts";

let server: TenantServer;

beforeAll(async () => {
  server = await tenantServer();
});

afterAll(() => server.remove());

const RUNS = Number(process.env["MOVE_RUNS"] ?? 2);

async function make(place: Place, { definitions, rows }: RandomSchema): Promise<void> {
  await asTenant(place, async (client) => {
    for (const statement of definitions) await client.query(statement);
    for (const { statement, values } of rows) await client.query(statement, [...values]);
  });
}

/** What the place holds, by other questions than the ones that copied it. */
function seen(place: Place): Promise<unknown> {
  return asTenant(place, async (client) => {
    const ask = async (text: string): Promise<unknown[]> => (await client.query({ text, rowMode: "array" })).rows;
    const here = "= current_schema()";
    const tables = await ask(
      `select table_name from information_schema.tables where table_schema ${here} and table_type = 'BASE TABLE' order by 1`,
    );
    const contents = [];
    for (const [table] of tables as string[][]) {
      const at = pg.escapeIdentifier(table ?? "");
      contents.push([table, await ask(`select x::text from ${at} x order by "the key"`)]);
      contents.push(await ask(`select pg_get_serial_sequence(${pg.escapeLiteral(at)}, 'the key') is not null`));
    }
    const schema = place.schema ?? "";
    const told = await ask(
      `select 'column', table_name, column_name, ordinal_position, data_type, udt_name, is_nullable, column_default, is_identity,
         identity_start, is_generated, generation_expression, numeric_precision, numeric_scale, character_maximum_length
       from information_schema.columns where table_schema ${here} order by 2, 4`,
    );
    const rest = await ask(
      `select 'constraint', conname, contype, pg_get_constraintdef(oid, true), condeferred from pg_constraint where connamespace = current_schema()::regnamespace
       union all select 'index', indexname, 'i', replace(indexdef, format(' ON %I.', schemaname), ' ON '), false from pg_indexes where schemaname ${here}
       union all select 'view', viewname, 'v', definition, false from pg_views where schemaname ${here}
       union all select 'sequence', sequencename, 's', concat_ws(',', start_value, increment_by, max_value, last_value), cycle from pg_sequences where schemaname ${here}
       union all select 'comment', c.relname, 'c', obj_description(c.oid, 'pg_class'), false from pg_class c where relnamespace = current_schema()::regnamespace
       order by 1, 2, 3, 4`,
    );
    return JSON.parse(JSON.stringify([tables, contents, told, rest]).replaceAll(`${schema}.`, "")) as unknown;
  });
}

test("random schemas and rows survive the way from a schema to a database and back, with the same content and definitions", async () => {
  let rowsSeen = 0;
  await fc.assert(
    fc.asyncProperty(randomSchema, async (schema) => {
      const [tenant, other] = [await server.tenant(), await server.tenant()];
      const [bridge, silo, back] = [await tenant.schema(), await tenant.database(), await other.schema()];
      await make(bridge, schema);
      const before = await seen(bridge);
      await copyPlace(bridge, silo);
      expect(await differencesBetween(bridge, silo)).toEqual([]);
      await copyPlace(silo, back);
      expect(await differencesBetween(silo, back)).toEqual([]);
      expect(await seen(back)).toEqual(before);
      rowsSeen += schema.rows.length;
      await server.god.query(`drop schema ${bridge.schema} cascade; drop schema ${back.schema} cascade`);
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  expect(rowsSeen).toBeGreaterThan(0);
}, 600_000);
