import pg from "pg";
import { type Definitions, readDefinitions, readWholly } from "./definitions.ts";
import { readGrants, regrant } from "./grants.ts";
import type { Table } from "./read-tables.ts";
import { CannotBeCarried, CopyDiffers } from "./refusals.ts";
import { type Copying, copyRows, type Progress } from "./rows.ts";
import { readScope } from "./scope.ts";
import { inPlace, type Place, type Session, type SessionOptions } from "./session.ts";
import { emptyShared, fillShared, refuseUnlessNoRows, refuseWhatHasNoSharedTable } from "./shared.ts";
import { differencesOf, positionsAfterRows, readPositions, type Sums, setPositions, sumsOf } from "./sums.ts";
import { refuseAnything } from "./uncarried.ts";

export type { Place, Progress };
export { CannotBeCarried, CopyDiffers, emptyShared, fillShared, refuseUnlessNoRows, refuseWhatHasNoSharedTable };

export interface CopyOptions extends SessionOptions, Copying {
  /** Compares the copy with its original before it takes effect. */
  readonly verified?: boolean;
}

/** All reads see one moment, while others write. */
const ONE_MOMENT = "begin isolation level repeatable read, read only";

/**
 * Rejects with `CannotBeCarried`, which names every object that a copy of the place would lack; nothing is copied.
 */
export async function refuseWhatCannotBeCarried(place: Place, options: SessionOptions = {}): Promise<void> {
  await inPlace(place, options, (session) => readWholly(session, place));
}

/** Rejects with `CannotBeCarried` when anything lies in the place. */
export async function refuseUnlessEmpty(place: Place, options: SessionOptions = {}): Promise<void> {
  await inPlace(place, options, (session) => refuseAnything(session, schemaOf(place)));
}

/**
 * Makes in the empty place `to` what is in `from` at one moment: definitions, rows, positions of sequences. It is there
 * entirely when this resolves, and not at all when it rejects or the process dies. The rows are those that the login of
 * `from` sees: of shared tables, its tenant's.
 */
export async function copyPlace(from: Place, to: Place, options: CopyOptions = {}): Promise<void> {
  await between(from, to, options, async (source, target) => {
    const definitions = await readWholly(source, from);
    await refuseAnything(target, schemaOf(to));
    await target.run(["begin", ...definitions.types, ...definitions.bare]);
    await copyRows(source, target, definitions.tables, options);
    await target.run([
      ...definitions.keys,
      ...definitions.foreignKeys.map(({ statement }) => statement),
      ...definitions.views.map(({ statement }) => statement),
      ...definitions.comments,
    ]);
    await grantAlike(target, to, definitions);
    await takePositions(source, target, from, definitions);
    if (options.verified) await refuseDifferent(source, target, from, definitions);
    await target.run(["commit", ...analyze(definitions.tables)]);
  });
}

/**
 * The tables and sequences whose content differs, with `from` at rest. Rejects with `CopyDiffers` when a definition does:
 * then the place is to be made afresh.
 */
export async function differencesBetween(
  from: Place,
  to: Place,
  options: SessionOptions = {},
): Promise<readonly string[]> {
  return between(from, to, options, async (source, target) => {
    const definitions = await readWholly(source, from);
    const different = differencesOf(definitions, await readDefinitions(target, to));
    if (different.length > 0) throw new CopyDiffers(different);
    return differingContent(source, target, from, definitions);
  });
}

/** Copies the rows of these tables once more, and all positions: all of it or nothing. Definitions must agree. */
export async function copyAgain(
  from: Place,
  to: Place,
  names: readonly string[],
  options: CopyOptions = {},
): Promise<void> {
  await between(from, to, options, async (source, target) => {
    const definitions = await readWholly(source, from);
    const tables = definitions.tables.filter(({ name }) => names.includes(name));
    await target.run(["begin"]);
    if (tables.length > 0) {
      await target.run([
        ...definitions.foreignKeys.map(({ undone }) => undone),
        `truncate only ${tables.map(({ name }) => pg.escapeIdentifier(name)).join(", only ")}`,
      ]);
      await copyRows(source, target, tables, options);
      // A key that is made anew has lost its comment.
      await target.run([...definitions.foreignKeys.map(({ statement }) => statement), ...definitions.comments]);
    }
    await takePositions(source, target, from, definitions);
    await target.run(["commit", ...analyze(tables)]);
  });
}

function between<T>(
  from: Place,
  to: Place,
  options: SessionOptions,
  work: (source: Session, target: Session) => Promise<T>,
): Promise<T> {
  return inPlace(from, options, (source) =>
    inPlace(to, options, async (target) => {
      await source.run([ONE_MOMENT]);
      return work(source, target);
    }),
  );
}

async function differingContent(
  source: Session,
  target: Session,
  from: Place,
  definitions: Definitions,
): Promise<readonly string[]> {
  const [ours, theirs] = await Promise.all([
    contentOf(source, from, definitions),
    contentOf(target, from, definitions),
  ]);
  return [...ours].filter(([name, sum]) => theirs.get(name) !== sum).map(([name]) => name);
}

async function refuseDifferent(...compared: Parameters<typeof differingContent>): Promise<void> {
  const differing = await differingContent(...compared);
  if (differing.length > 0) throw new CopyDiffers(differing);
}

async function grantAlike(target: Session, to: Place, { grants }: Definitions): Promise<void> {
  const are = await readGrants(target, to, await readScope(target, to));
  if (grants !== undefined) await target.run(regrant(to.owner, are, grants));
}

async function takePositions(source: Session, target: Session, from: Place, definitions: Definitions): Promise<void> {
  const { sequences } = definitions;
  await setPositions(
    target,
    isShared(from) ? await positionsAfterRows(target, sequences) : await readPositions(source, sequences),
  );
}

/** Sums of tables, and positions of sequences unless they number the rows of others too. */
async function contentOf(session: Session, from: Place, { tables, sequences }: Definitions): Promise<Sums> {
  const sums = new Map(await sumsOf(session, tables));
  if (isShared(from)) return sums;
  for (const { name, last, called } of await readPositions(session, sequences)) sums.set(name, `${last}, ${called}`);
  return sums;
}

function schemaOf({ schema }: Place): string {
  if (schema === undefined) throw new Error("Shared tables are not a place to copy into.");
  return schema;
}

function isShared({ schema }: Place): boolean {
  return schema === undefined;
}

function analyze(tables: readonly Table[]): readonly string[] {
  return tables.length === 0 ? [] : [`analyze ${tables.map(({ name }) => pg.escapeIdentifier(name)).join(", ")}`];
}
