import { styleText } from "node:util";

/** `yours`: only a person can tell. */
type Verdict = "ok" | "warning" | "fault" | "yours";

export interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  readonly says: string;
  /** What to do about it. */
  readonly cure?: string;
}

export function ok(check: string, says: string): Finding {
  return { check, verdict: "ok", says };
}

const signs: Readonly<Record<Verdict, string>> = { ok: "✔", warning: "!", fault: "✘", yours: "☐" };
const colours = { ok: "green", warning: "yellow", fault: "red", yours: "cyan" } as const;
const COLUMN = 13;

export function lineOf({ check, verdict, says, cure }: Finding): string {
  const coloured = process.stdout.isTTY && process.stdout.hasColors();
  const sign = coloured ? styleText(colours[verdict], signs[verdict]) : signs[verdict];
  const second = cure === undefined ? "" : `${" ".repeat(COLUMN + 3)}${cure}\n`;
  return `${sign} ${check.padEnd(COLUMN)} ${says}\n${second}`;
}
