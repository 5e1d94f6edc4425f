import { type FileHandle, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { ProviderError } from "../../errors.ts";
import type { Cursor } from "./subject.ts";

/** What an export is of: one that goes on has to be of the same. */
export interface Order {
  readonly what: string;
  readonly format: string;
  readonly from: string;
  readonly to: string;
}

interface Kept extends Order {
  /** Where it goes on; `end`: only the name is missing. */
  readonly cursor: Cursor | "end" | null;
  readonly rows: number;
  /** So much of the part is good: what lies behind was cut off in the middle. */
  readonly bytes: number;
}

/** A file that comes to be in steps. It has its name only when it is whole. */
export interface KeptFile {
  readonly kept: Kept;
  /** Safe on the disk, with the place where it goes on, when this resolves. */
  add(text: string, rows: number, cursor: Kept["cursor"]): Promise<void>;
  /** Gives the file its name, after `convert` has made what it is to be, where that is not what was added. */
  finish(convert: ((part: string, to: string) => Promise<void>) | undefined): Promise<void>;
  close(): Promise<void>;
}

export const partOf = (file: string): string => `${file}.part`;
const cursorOf = (file: string): string => `${file}.cursor`;

const conflict = (message: string) => new ProviderError("request_conflict", message);

/** `request_conflict` when there is one already that was not finished. */
export async function beginFile(file: string, order: Order): Promise<KeptFile> {
  const handle = await open(partOf(file), "wx", 0o600).catch((fault: NodeJS.ErrnoException) => {
    if (fault.code !== "EEXIST") throw unwritable(file, fault);
    throw conflict(
      `${partOf(file)} is there: another export runs, or was cut off. --resume goes on with it; remove it to begin anew.`,
    );
  });
  return keptFile(file, handle, { ...order, cursor: null, rows: 0, bytes: 0 });
}

/** `request_conflict` when none was begun, or one of something else: what of `order` is given has to be the same. */
export async function resumeFile(file: string, order: Partial<Order>): Promise<KeptFile> {
  const kept = await readKept(file);
  const other = (Object.keys(order) as (keyof Order)[]).find((name) => order[name] !== kept[name]);
  if (other !== undefined)
    throw conflict(`The export that was begun has ${kept[other]}, not ${order[other]}: ${other}.`);
  const handle = await open(partOf(file), "r+").catch((fault: NodeJS.ErrnoException) => {
    throw unwritable(file, fault);
  });
  if ((await handle.stat()).size < kept.bytes) {
    await handle.close();
    throw conflict(`${partOf(file)} is shorter than it was: remove it and begin anew.`);
  }
  await handle.truncate(kept.bytes);
  return keptFile(file, handle, kept);
}

async function readKept(file: string): Promise<Kept> {
  try {
    return JSON.parse(await readFile(cursorOf(file), "utf8")) as Kept;
  } catch (cause) {
    throw new ProviderError("request_conflict", `There is nothing to go on with: ${cursorOf(file)} cannot be read.`, {
      cause,
    });
  }
}

const unwritable = (file: string, fault: NodeJS.ErrnoException) =>
  new ProviderError("request_malformed", `${file} cannot be written (${fault.code ?? fault.message}).`, {
    cause: fault,
  });

function keptFile(file: string, handle: FileHandle, begun: Kept): KeptFile {
  let kept = begun;
  return {
    get kept() {
      return kept;
    },
    add: async (text, rows, cursor) => {
      const bytes = Buffer.from(text);
      await handle.write(bytes, 0, bytes.length, kept.bytes);
      await handle.datasync();
      kept = { ...kept, cursor, rows: kept.rows + rows, bytes: kept.bytes + bytes.length };
      await writeFile(`${cursorOf(file)}.new`, JSON.stringify(kept), { mode: 0o600 });
      await rename(`${cursorOf(file)}.new`, cursorOf(file));
    },
    finish: async (convert) => {
      await handle.close();
      if (convert === undefined) await rename(partOf(file), file);
      else {
        await convert(partOf(file), `${file}.whole`);
        await rename(`${file}.whole`, file);
        await rm(partOf(file));
      }
      await rm(cursorOf(file), { force: true });
    },
    close: () => handle.close(),
  };
}
