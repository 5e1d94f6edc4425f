import type { Command } from "commander";
import { moment, oneOf } from "./arguments.ts";

export function analystCommands(cli: Command): void {
  cli
    .command("export")
    .description("usage, tenants or revenue as a file for analysts")
    .argument("<what>", "usage, tenants or revenue", oneOf("usage", "tenants", "revenue"))
    .option("--format <format>", "csv", oneOf("csv"), "csv")
    .option(
      "--from <time>",
      "beginning, ISO 8601 (usage: 30 days before the end, revenue: 12 months, tenants: all)",
      moment,
    )
    .option("--to <time>", "end, not included, ISO 8601 (now)", moment)
    .option("--out <file>", "write there; the file has its name only when it is whole (standard output)")
    .option("--resume", "go on with a file that was cut off")
    .option("--json", "print the summary as JSON")
    .action(async (what, options) => (await import("../export/export.ts")).exportData(what, options));
}
