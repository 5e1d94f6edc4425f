import { styleText } from "node:util";

export interface Progress {
  update(done: number, of: number, note?: string): void;
  /** Leaves the terminal as a line of text is expected next. */
  end(): void;
}

interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  hasColors?(): boolean;
  write(text: string): unknown;
}

const BAR_EVERY_MS = 100;
const LINE_EVERY_MS = 5_000;
const BAR_WIDTH = 30;

/**
 * How far long work is, on standard error: a bar on a terminal (without colour under NO_COLOR), elsewhere a line now and
 * then. Work that ends at once shows nothing.
 */
export function progress(label: string, screen: Screen = process.stderr, now = () => performance.now()): Progress {
  const terminal = screen.isTTY === true;
  let shownAt = now();
  let shown = false;

  return {
    update: (done, of, note = "") => {
      if (now() - shownAt < (terminal ? BAR_EVERY_MS : LINE_EVERY_MS)) return;
      shownAt = now();
      shown = true;
      if (!terminal) screen.write(`${label}: ${done} of ${of}${note === "" ? "" : `, ${note}`}\n`);
      else screen.write(`\r\u001b[K${barOf(label, done, of, note, screen)}`);
    },
    end: () => {
      if (terminal && shown) screen.write("\r\u001b[K");
    },
  };
}

function barOf(label: string, done: number, of: number, note: string, screen: Screen): string {
  const share = of === 0 ? 0 : Math.min(1, done / of);
  const filled = Math.round(share * BAR_WIDTH);
  const bar = "█".repeat(filled);
  const coloured = screen.hasColors?.() === true ? styleText("green", bar, { validateStream: false }) : bar;
  const text = ` ${Math.floor(share * 100)} % ${done}/${of} ${note}`.trimEnd();
  const room = Math.max(0, (screen.columns ?? 80) - label.length - BAR_WIDTH - 2);
  return `${label} ${coloured}${"░".repeat(BAR_WIDTH - filled)}${text.slice(0, room)}`;
}
