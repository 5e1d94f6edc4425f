import fc from "fast-check";
import pg from "pg";

const { escapeIdentifier: id, escapeLiteral: literal } = pg;

/** A schema as its statements, and rows as parameters: what customers might have, and what nobody should. */
export interface RandomSchema {
  readonly definitions: readonly string[];
  readonly rows: readonly { readonly statement: string; readonly values: readonly unknown[] }[];
}

const unlucky = [
  'q"uote',
  "dot.ted",
  "Capital",
  "line\nbreak",
  "apos'trophe",
  "select",
  "$1",
  "ünïcödé",
  "a b",
  "tab\t",
  "%I",
  "\\",
  "💥",
];
const name = fc.oneof(
  fc.constantFrom(...unlucky),
  fc.string({ unit: fc.constantFrom(..."aZ_\"'. \n\\$é"), minLength: 1, maxLength: 30 }),
);
const names = (least: number, most: number) => fc.uniqueArray(name, { minLength: least, maxLength: most });

/** Every code point but the one PostgreSQL has no room for. */
const text = fc.string({ unit: "binary", maxLength: 40 }).map((any) => any.replaceAll("\0", ""));
const json = fc.json().filter((any) => !any.includes("\\u0000") && !/\\ud[89a-f]/i.test(any) && !any.includes("\0"));
const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const big = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);

const LABELS = ["", "it's", 'say "x"', "line\nbreak", "ÄÖ", "a,b", "{}", "null"];

interface Kind {
  readonly type: string;
  readonly value: fc.Arbitrary<unknown>;
}

const kinds: readonly Kind[] = [
  { type: "integer", value: int },
  { type: "bigint", value: big },
  {
    type: "numeric",
    value: fc.oneof(fc.constantFrom("NaN", "Infinity", "-Infinity", "0.00", "-0.000001", "1e300"), big),
  },
  { type: "numeric(12, 4)", value: int.map((any) => `${any % 100_000}.5001`) },
  {
    type: "double precision",
    value: fc.oneof(fc.constantFrom("NaN", "Infinity", "-0", "5e-324"), fc.double({ noNaN: true }).map(String)),
  },
  { type: "text", value: fc.oneof(fc.constantFrom("", "\\N", "\\.", "\t", "null", '"'), text) },
  { type: "varchar(60)", value: text },
  { type: "character(5)", value: fc.constantFrom("", "ab", "     ", "12345") },
  { type: "bytea", value: fc.uint8Array({ maxLength: 40 }).map((any) => Buffer.from(any)) },
  {
    type: "timestamptz",
    value: fc.constantFrom(
      "infinity",
      "-infinity",
      "2026-03-29 02:30:00+01",
      "0044-03-15 12:00:00 BC",
      "99999-01-01 00:00:00.000001Z",
    ),
  },
  { type: "date", value: fc.constantFrom("infinity", "2024-02-29", "4713-01-01 BC") },
  { type: "interval", value: fc.constantFrom("1 year -2 mons 3 days -04:05:06.000007", "0") },
  { type: "jsonb", value: json },
  { type: "json", value: json },
  { type: "boolean", value: fc.boolean() },
  { type: "uuid", value: fc.uuid() },
  { type: "inet", value: fc.constantFrom("10.0.0.1/8", "::1") },
  { type: "text[]", value: fc.array(fc.option(text), { maxLength: 4 }) },
  { type: "int[][]", value: fc.constantFrom("{{1,2},{3,NULL}}", "{}", "[2:3]={7,8}") },
  { type: "int8range", value: fc.constantFrom("[1,5)", "empty", "(,)") },
  { type: "LABELS", value: fc.constantFrom(...LABELS) },
  { type: "LABELS[]", value: fc.array(fc.option(fc.constantFrom(...LABELS)), { maxLength: 3 }) },
  { type: "DOMAIN", value: fc.constantFrom("1", "7.25", "NaN") },
];

const column = fc.record({
  kind: fc.constantFrom(...kinds),
  required: fc.boolean(),
  indexed: fc.constantFrom("no", "no", "plain", "hash"),
});
const table = fc.record({
  identity: fc.constantFrom("always", "by default", "serial"),
  columnNames: names(1, 6),
  columns: fc.array(column, { minLength: 6, maxLength: 6 }),
  generated: fc.boolean(),
  parent: fc.nat(),
  rows: fc.nat({ max: 6 }),
});

export const randomSchema: fc.Arbitrary<RandomSchema> = fc
  .record({ tableNames: names(1, 4), tables: fc.array(table, { minLength: 4, maxLength: 4 }), typeNames: names(2, 2) })
  .chain(({ tableNames, tables, typeNames: [labels = "", domain = ""] }) => {
    const [enumType, domainType] = [`${labels}_e`, `${domain}_d`];
    const typeOf = (type: string): string =>
      type.replace("LABELS", () => id(enumType)).replace("DOMAIN", () => id(domainType));
    const made = tableNames.map((tableName, index) => ({
      tableName: `${tableName}_t`,
      ...(tables[index] as (typeof tables)[number]),
    }));
    const definitions = [
      `create type ${id(enumType)} as enum (${LABELS.map(literal).join(", ")})`,
      `create domain ${id(domainType)} as numeric default 1 check (value <> 0)`,
      ...made.flatMap(({ tableName, identity, columnNames, columns, generated, parent }, index) => {
        const key =
          identity === "serial" ? "serial" : `bigint generated ${identity} as identity (start ${index * 10 + 1})`;
        const listed = columnNames.map((columnName, at) => {
          const { kind, required } = columns[at] as (typeof columns)[number];
          return `${id(columnName)} ${typeOf(kind.type)}${required ? " not null" : ""}`;
        });
        const above = made[parent % (index + 1)]?.tableName ?? tableName;
        return [
          `create table ${id(tableName)} ("the key" ${key} primary key, above bigint${generated ? ", doubled bigint generated always as (above * 2) stored" : ""}, ${listed.join(", ")})`,
          `alter table ${id(tableName)} add foreign key (above) references ${id(above)} deferrable initially deferred`,
          `comment on table ${id(tableName)} is ${literal(tableName)}`,
          ...columnNames.flatMap((columnName, at) => {
            const { kind, indexed } = columns[at] as (typeof columns)[number];
            if (indexed === "no" || kind.type === "json") return [];
            return [
              `create index on ${id(tableName)} using ${indexed === "hash" ? "hash" : "btree"} (${id(columnName)})`,
            ];
          }),
          `create view ${id(`${tableName}_v`)} as select * from ${id(tableName)} where above is null`,
        ];
      }),
    ];
    const rows = made.flatMap(({ tableName, columnNames, columns, rows: many }) =>
      Array.from({ length: many }, () => {
        const values = columnNames.map((_, at) => {
          const { kind, required } = columns[at] as (typeof columns)[number];
          return required ? kind.value : fc.option(kind.value, { freq: 4 });
        });
        const places = columnNames.map((_, at) => `$${at + 1}::text::${typeOf(columns[at]?.kind.type ?? "")}`);
        const plain = columnNames.map((_, at) =>
          columns[at]?.kind.type === "bytea" || columns[at]?.kind.type.endsWith("text[]") ? `$${at + 1}` : places[at],
        );
        const list = columnNames.map(id).join(", ");
        const statement = `insert into ${id(tableName)} (${list}) values (${plain.join(", ")})`;
        return fc.tuple(...values).map((all) => ({ statement, values: all.map(textOf) }));
      }),
    );
    return fc.tuple(...rows).map((all) => ({ definitions, rows: all }));
  });

/** An array of an enumeration's labels as text; whatever else pg writes by itself. */
function textOf(value: unknown): unknown {
  if (!Array.isArray(value) || Buffer.isBuffer(value)) return value;
  return `{${value.map((one) => (one === null ? "NULL" : `"${String(one).replace(/["\\]/g, "\\$&")}"`)).join(",")}}`;
}
