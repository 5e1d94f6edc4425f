import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { keptLine, toParquet } from "../src/cli/export/parquet.ts";
import type { Column, Line } from "../src/cli/export/subject.ts";

const columns: readonly Column[] = [
  { name: "tenant", type: "text" },
  { name: "events", type: "integer" },
  { name: "quantity", type: "decimal" },
  { name: "hour", type: "moment" },
];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "parquet-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function written(lines: readonly Line[]): Promise<ArrayBuffer> {
  const [part, to] = [join(folder, "x.part"), join(folder, "x.parquet")];
  await writeFile(part, lines.map(keptLine).join(""));
  await toParquet(part, to, columns);
  return Uint8Array.from(await readFile(to)).buffer;
}

/** Decimals as the bytes that stand there: a reader in JavaScript would round them. */
async function unscaledIn(file: ArrayBuffer): Promise<unknown[]> {
  const metadata = parquetMetadata(file);
  for (const element of metadata.schema) if (element.converted_type === "DECIMAL") delete element.converted_type;
  const rows = await parquetReadObjects({ file, metadata, utf8: false, columns: ["quantity"] });
  return rows.map(({ quantity }) => (quantity ? BigInt(`0x${Buffer.from(quantity).toString("hex")}`) : null));
}

describe("a parquet file", () => {
  test("holds decimals to the last digit, whole numbers, moments, text that is no formula there, and nothing", async () => {
    const file = await written([
      {
        tenant: "=1+1",
        events: "9007199254740993",
        quantity: "123456789012345.6789",
        hour: "2026-05-10T09:00:00.000001Z",
      },
      { tenant: 'ü\n"', events: "0", quantity: "0.000000000000001", hour: null },
      { tenant: null, events: null, quantity: null },
    ]);
    const rows = await parquetReadObjects({ file });
    expect(rows.map(({ tenant, events }) => [tenant ?? null, events ?? null])).toEqual([
      ["=1+1", 9007199254740993n],
      ['ü\n"', 0n],
      [null, null],
    ]);
    expect(rows.map(({ hour }) => hour?.toISOString() ?? null)).toEqual(["2026-05-10T09:00:00.000Z", null, null]);
    expect(await unscaledIn(file)).toEqual([123456789012345678900000000000n, 1n, null]);
    const { schema } = parquetMetadata(file);
    expect(schema.find(({ name }) => name === "quantity")).toMatchObject({
      converted_type: "DECIMAL",
      precision: 38,
      scale: 15,
    });
  });

  test("is whole when it has no line, and when it has more than are kept in memory at once", async () => {
    expect(await parquetReadObjects({ file: await written([]) })).toEqual([]);
    const file = await written(
      Array.from({ length: 45_000 }, (_, n) => ({ tenant: `t${n}`, events: `${n}`, quantity: "1.5", hour: null })),
    );
    expect(parquetMetadata(file).row_groups).toHaveLength(3);
    const rows = await parquetReadObjects({ file, rowStart: 44_990 });
    expect(rows.map(({ tenant }) => tenant)).toEqual(Array.from({ length: 10 }, (_, n) => `t${44_990 + n}`));
  });

  test("refuses a decimal that it would have to round", async () => {
    await expect(written([{ quantity: "0.0000000000000001" }])).rejects.toThrow("does not fit");
  });
});
