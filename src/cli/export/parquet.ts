import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { fileWriter, parquetWriteRows } from "hyparquet-writer";
import { ProviderError } from "../../errors.ts";
import type { Column, Line } from "./subject.ts";

/** Kept in memory at once. */
const ROW_GROUP = 20_000;
/** A quantity has at most 15 digits, so sums of them fit with every digit they have. */
const [PRECISION, SCALE, BYTES] = [38, 15, 16];

const elements = {
  text: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  integer: { type: "INT64" },
  decimal: {
    type: "FIXED_LEN_BYTE_ARRAY",
    type_length: BYTES,
    converted_type: "DECIMAL",
    precision: PRECISION,
    scale: SCALE,
  },
  moment: { type: "INT64", converted_type: "TIMESTAMP_MICROS" },
} as const satisfies Record<Column["type"], object>;

const storedAs: Readonly<Record<Column["type"], (text: string) => string | bigint>> = {
  text: (text) => text,
  integer: BigInt,
  decimal: unscaled,
  moment: (text) => BigInt(Date.parse(text)) * 1_000n + BigInt(text.slice(-4, -1)),
};

/** One line of the file that is kept while an export runs. */
export const keptLine = (line: Line): string => `${JSON.stringify(line)}\n`;

/** Writes the lines of `part` to the file `to`, row group by row group. */
export async function toParquet(part: string, to: string, columns: readonly Column[]): Promise<void> {
  const fields = columns.map(({ name, type }) => ({ name, repetition_type: "OPTIONAL" as const, ...elements[type] }));
  await parquetWriteRows({
    writer: fileWriter(to),
    rows: rowsOf(part, columns),
    columns: columns.map(({ name }) => ({ name })),
    schema: [{ name: "root", num_children: columns.length }, ...fields],
    rowGroupSize: ROW_GROUP,
    createdBy: "stallholder",
  });
}

async function* rowsOf(part: string, columns: readonly Column[]) {
  for await (const text of createInterface({ input: createReadStream(part), crlfDelay: Number.POSITIVE_INFINITY })) {
    const line = JSON.parse(text) as Line;
    yield Object.fromEntries(
      columns.map(({ name, type }) => {
        const value = line[name];
        return [name, value === null || value === undefined ? undefined : storedAs[type](value)];
      }),
    );
  }
}

/** `"2.5"` → 2.5 × 10¹⁵. */
function unscaled(decimal: string): bigint {
  const [whole = "", fraction = ""] = decimal.split(".");
  if (fraction.length <= SCALE && whole.length <= PRECISION - SCALE) return BigInt(whole + fraction.padEnd(SCALE, "0"));
  throw new ProviderError(
    "internal",
    `${decimal} does not fit into a decimal of ${PRECISION} digits, ${SCALE} behind the point.`,
  );
}
