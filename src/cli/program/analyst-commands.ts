import type { Command } from "commander";
import { moment, number, oneOf, roleName } from "./arguments.ts";

export function analystCommands(cli: Command): void {
  cli
    .command("export")
    .description("usage, tenants or revenue as a file for analysts")
    .argument("<what>", "usage, tenants or revenue", oneOf("usage", "tenants", "revenue"))
    .option("--format <format>", "csv or parquet (csv)", oneOf("csv", "parquet"))
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
  cli
    .command("reporting")
    .description("the views for BI tools (docs/reporting.md)")
    .command("login")
    .description("make a login that may read the views and nothing else; its password is shown once")
    .argument("<name>", "of the new role", roleName)
    .option("--seconds <number>", "a statement that takes longer is cancelled", number(1, 3_600), 60)
    .option("--connections <number>", "so many at once", number(1, 100), 5)
    .option("--json", "print as JSON")
    .action(async (name, options) => (await import("../reporting.ts")).reportingLogin(name, options));
}
