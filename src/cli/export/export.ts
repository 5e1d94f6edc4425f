import { once } from "node:events";
import { readSettings, type Settings } from "../../config.ts";
import { ProviderError } from "../../errors.ts";
import type { OperatorStore } from "../../isolation/isolation.ts";
import { asOperator } from "../operator-database.ts";
import { progress } from "../progress.ts";
import { withServiceClock } from "../service-clock.ts";
import { csvHead, csvOf } from "./csv.ts";
import { beginFile, type KeptFile, type Order, resumeFile } from "./kept-file.ts";
import { keptLine, toParquet } from "./parquet.ts";
import type { Column, Line, Span, Subject } from "./subject.ts";
import { type SubjectName, subjects } from "./subjects.ts";

type Format = "csv" | "parquet";

interface ExportOptions {
  readonly format?: Format;
  readonly from?: Date;
  readonly to?: Date;
  readonly out?: string;
  readonly resume?: boolean;
  readonly json?: boolean;
}

/**
 * Writes usage, tenants or revenue for analysts: into a file that has its name only when it is whole, and that goes on with
 * `resume` where it was cut off; or to standard output. Throws `request_malformed`, `request_conflict`.
 */
export async function exportData(what: SubjectName, options: ExportOptions): Promise<void> {
  const { out, resume = false, json = false } = options;
  if (out === undefined && (resume || json || options.format === "parquet"))
    throw malformed("--resume, --json and parquet need a file: name it with --out.");
  const settings = readSettings();
  await asOperator(settings, `export ${what}`, async (store) => {
    if (out === undefined) return print(store, subjects[what], await spanOf(settings, what, options));
    const file = resume
      ? await resumeFile(out, { what, ...givenOf(options) })
      : await beginFile(out, {
          what,
          format: options.format ?? "csv",
          ...isoOf(await spanOf(settings, what, options)),
        });
    await write(store, what, file).finally(() => file.close().catch(() => undefined));
    const { cursor: _, ...summary } = file.kept;
    process.stdout.write(json ? `${JSON.stringify({ ...summary, file: out })}\n` : `${summary.rows} rows in ${out}.\n`);
  });
}

async function spanOf(settings: Settings, what: SubjectName, { from, to }: ExportOptions): Promise<Span> {
  const usual = () => withServiceClock(settings, async (clock) => subjects[what].usualSpan(to ?? clock.now()));
  const span =
    from !== undefined && to !== undefined
      ? { from, to }
      : { ...(await usual()), ...(from && { from }), ...(to && { to }) };
  if (span.from >= span.to) throw malformed("--from has to be before --to.");
  return span;
}

const malformed = (message: string) => new ProviderError("request_malformed", message);

const isoOf = ({ from, to }: Span) => ({ from: from.toISOString(), to: to.toISOString() });

/** What somebody who goes on has said again. */
function givenOf({ format, from, to }: ExportOptions): Partial<Order> {
  return { ...(format && { format }), ...(from && { from: from.toISOString() }), ...(to && { to: to.toISOString() }) };
}

async function write(store: OperatorStore, what: SubjectName, file: KeptFile): Promise<void> {
  const subject = subjects[what];
  const { from, to, cursor, bytes, format } = file.kept;
  const form = formOf(format, subject.columns);
  if (cursor === "end") return file.finish(form.convert);
  const bar = progress(`exporting ${what}`);
  try {
    if (bytes === 0) await file.add(form.head, 0, null);
    for await (const step of subject.steps(store, { from: new Date(from), to: new Date(to) }, cursor)) {
      await file.add(form.text(step.lines), step.lines.length, step.cursor ?? "end");
      bar.update(Math.floor(step.share * 100), 100, `${file.kept.rows} rows`);
    }
    await file.finish(form.convert);
  } finally {
    bar.end();
  }
}

/** How lines are kept while the file grows, and what makes the file of them at the end. */
function formOf(format: string, columns: readonly Column[]) {
  if (format === "parquet") {
    const text = (lines: readonly Line[]) => lines.map(keptLine).join("");
    return { head: "", text, convert: (part: string, to: string) => toParquet(part, to, columns) };
  }
  return { head: csvHead(columns), text: (lines: readonly Line[]) => csvOf(columns, lines), convert: undefined };
}

/** As fast as the reader takes it. One that goes away, such as `head`, ends it. */
async function print(store: OperatorStore, subject: Subject, span: Span): Promise<void> {
  let gone = false;
  const goes = () => {
    gone = true;
  };
  process.stdout.on("error", goes);
  const say = async (text: string) => {
    if (!process.stdout.write(text)) await once(process.stdout, "drain").catch(goes);
  };
  await say(csvHead(subject.columns));
  for await (const { lines } of subject.steps(store, span, null)) {
    if (gone) break;
    await say(csvOf(subject.columns, lines));
  }
  process.stdout.off("error", goes);
}
