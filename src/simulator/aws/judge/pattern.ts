import { type Context, valuesOf } from "./context.ts";

/** A piece of a pattern: text as it stands, or a wildcard. */
type Piece = { readonly text: string } | "any" | "one";

/** A pattern after its variables were filled in. */
export type Pattern = readonly Piece[];

const VARIABLE = /\$\{([^}]*)\}/g;
const SPECIAL: ReadonlySet<string> = new Set(["*", "?", "$"]);
/** `${key, 'default'}` */
const WITH_DEFAULT = /^\s*([^,\s]+)\s*,\s*'([^']*)'\s*$/;

/**
 * A pattern of a policy with its variables filled in: what a variable stands for is text, never a wildcard. Undefined when
 * a variable has no value: then nothing equals or is like the pattern. `context` is absent where variables mean nothing.
 * (IAM user guide, "IAM policy elements: Variables and tags".)
 */
export function patternOf(written: string, context: Context | undefined): Pattern | undefined {
  if (context === undefined) return wildcardsIn(written);
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of written.matchAll(VARIABLE)) {
    pieces.push(...wildcardsIn(written.slice(from, match.index)));
    const text = fill(match[1] ?? "", context);
    if (text === undefined) return undefined;
    pieces.push({ text });
    from = match.index + match[0].length;
  }
  return [...pieces, ...wildcardsIn(written.slice(from))];
}

function fill(inside: string, context: Context): string | undefined {
  if (SPECIAL.has(inside)) return inside;
  const [, key = inside, fallback] = WITH_DEFAULT.exec(inside) ?? [];
  const values = valuesOf(context, key);
  // A variable stands for one value: a key with several has none that could be meant.
  return values?.length === 1 ? values[0] : fallback;
}

function wildcardsIn(text: string): Pattern {
  return text
    .split(/([*?])/)
    .filter((part) => part !== "")
    .map((part) => (part === "*" ? "any" : part === "?" ? "one" : { text: part }));
}

/** The pattern as text, wildcards and all: for operators that know none. */
export function literalOf(pattern: Pattern): string {
  return pattern.map((piece) => (piece === "any" ? "*" : piece === "one" ? "?" : piece.text)).join("");
}

interface Reading {
  readonly ignoreCase?: boolean;
  /** What the wildcards do not cross. */
  readonly within?: "segment";
}

/** Whether the whole text is like the pattern. */
export function isLike(pattern: Pattern, text: string, { ignoreCase = false, within }: Reading = {}): boolean {
  const [first, ...more] = pattern;
  if (first !== undefined && typeof first === "object" && more.length === 0)
    return ignoreCase ? first.text.toLowerCase() === text.toLowerCase() : first.text === text;
  return expression(pattern, ignoreCase ? "isu" : "su", within === "segment" ? "[^:]" : ".").test(text);
}

/** The same patterns come again and again; so many of them are remembered. */
const MOST = 2_000;
const made = new Map<string, RegExp>();

function expression(pattern: Pattern, flags: string, char: string): RegExp {
  const source = pattern.map((piece) => (piece === "any" ? `${char}*` : piece === "one" ? char : quoted(piece.text)));
  const whole = `^${source.join("")}$`;
  const known = made.get(`${flags} ${whole}`) ?? new RegExp(whole, flags);
  if (made.size >= MOST) made.clear();
  made.set(`${flags} ${whole}`, known);
  return known;
}

const quoted = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
