import { CommanderError } from "commander";
import { program } from "./cli/program/program.ts";
import { ProviderError } from "./errors.ts";

/** Exit codes of sysexits.h where one fits. */
const USAGE = 64;
const UNAVAILABLE = 69;
const CONFIG = 78;

/** Every fault on a line of its own; never a stack for what the operator can mend. */
function explain(thrown: unknown): { text: string; code: number } {
  if (thrown instanceof CommanderError) return { text: "", code: thrown.exitCode === 0 ? 0 : USAGE };
  if (!(thrown instanceof ProviderError)) {
    return { text: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown), code: 1 };
  }
  const faults = thrown.faults.map(({ at, message }) => `  ${at === "" ? "(file)" : at}: ${message}`);
  const codes: Record<string, number> = {
    config_invalid: CONFIG,
    unavailable: UNAVAILABLE,
    marketplace_unavailable: UNAVAILABLE,
  };
  return { text: [`stallholder: ${thrown.message}`, ...faults].join("\n"), code: codes[thrown.code] ?? 1 };
}

try {
  await program().parseAsync(process.argv);
} catch (thrown) {
  const { text, code } = explain(thrown);
  if (text !== "") process.stderr.write(`${text}\n`);
  process.exitCode = code;
}
