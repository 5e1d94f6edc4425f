import { Command } from "commander";
import { analystCommands } from "./analyst-commands.ts";
import { moment, oneOf } from "./arguments.ts";
import { eventCommands } from "./event-commands.ts";
import { databaseCommands, isolateCommands } from "./isolation-commands.ts";
import { auditCommands, keysCommands } from "./key-commands.ts";
import { awsCommands, manifestCommands } from "./marketplace-commands.ts";

/** Every command, each loaded when it is asked for. */
export function program(): Command {
  const cli = new Command("stallholder")
    .description("The seller's side of add-on marketplaces.")
    .exitOverride()
    .showHelpAfterError("(stallholder --help lists the commands)");

  cli
    .command("serve")
    .description(
      "answer marketplaces, the product and people; in development also the worker, a database and the simulator",
    )
    .option("--with-worker", "run the worker in this process too, also in production")
    .action(async (options) => (await import("../serve.ts")).serve(options));
  cli
    .command("work")
    .description("run owed work: calls to marketplaces and to the product")
    .action(async () => (await import("../work.ts")).work());
  cli
    .command("migrate")
    .description("bring the database up to date")
    .option("--json", "print the result as JSON")
    .action(async (options) => (await import("../migrate.ts")).migrateDatabase(options));
  cli
    .command("simulate")
    .description("play the marketplaces on this machine")
    .option("--provider <url>", "where the provider answers", "http://127.0.0.1:3000")
    .action(async (options) => (await import("../simulate.ts")).simulate(options));
  manifestCommands(cli);
  databaseCommands(cli);
  cli
    .command("doctor")
    .description("check settings, database, clock and manifest, and say what to do")
    .option("--json", "print the findings as JSON")
    .action(async (options) => (await import("../doctor.ts")).doctor(options));
  keysCommands(cli);
  cli
    .command("usage")
    .description("a tenant's usage by hour and dimension, and why each record is where it is")
    .requiredOption("--tenant <id>", "our id of the tenant")
    .option("--from <time>", "first hour, ISO 8601 (24 hours before the end)", moment)
    .option("--to <time>", "end, not included, ISO 8601 (now)", moment)
    .option("--send-now", "have a worker send what waits at once")
    .option("--dry-run", "say what would be sent, and change nothing")
    .option("--json", "print as JSON")
    .action(async (options) => (await import("../usage.ts")).usage(options));
  auditCommands(cli);
  eventCommands(cli);
  awsCommands(cli);
  isolateCommands(cli);
  analystCommands(cli);
  cli
    .command("reconcile")
    .description("compare what was billed with the marketplace's own reports")
    .argument("<marketplace>", "aws", oneOf("aws"))
    .option("--report <file>", "the seller's billing report, CSV")
    .option("--mapping <file>", "JSON that says which column is which")
    .option("--cloudtrail <file>", "an export of CloudTrail's events, JSON")
    .option("--csv <file>", "write the differences there")
    .option("--json", "print as JSON")
    .action(async (_marketplace, options) => (await import("../reconcile.ts")).reconcile(options));
  return cli;
}
