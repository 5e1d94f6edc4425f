import { type Command, Option } from "commander";
import { days } from "./arguments.ts";

export function isolateCommands(cli: Command): void {
  const isolate = cli.command("isolate").description("what keeps tenants apart outside this service");
  isolate
    .command("pool")
    .description("put a table of the tenants' database under row level security, or say why it cannot be")
    .argument("<table>", "as SQL writes it, with or without its schema")
    .requiredOption("--tenant-column <name>", "the column that holds our id of the tenant")
    .option("--app-role <name...>", "the product's own roles, which set app.tenant_id (the table's owner)")
    .option("--allow-unique <name...>", "unique indexes and foreign keys without the tenant, where values are random")
    .option("--dry-run", "print the SQL and run nothing")
    .option("--json", "print as JSON")
    .action(async (table, options) => (await import("../isolate.ts")).isolatePool(table, options));
  isolate
    .command("check")
    .description("look through the tenants' database for what leads from one tenant to another")
    .option("--json", "print as JSON")
    .action(async (options) => (await import("../isolate.ts")).checkIsolation(options));
  isolate
    .command("aws")
    .description("print the template of the tenants' role and of what keeps their data in AWS")
    .option("--services <names>", "some of s3,dynamodb,opensearch,kms,rds", "s3,dynamodb,opensearch,kms,rds")
    .option("--model <name>", "pool, bridge or silo", "pool")
    .option("--format <name>", "cloudformation or terraform", "cloudformation")
    .option("--out <folder>", "write it there instead")
    .action(async (options) => (await import("../isolate-aws.ts")).isolateAws(options));
  isolate
    .command("aws-connect")
    .description("print the template by which a customer lets the product into its AWS account")
    .option("--account <number>", "the vendor's account (the one of this machine's credentials)")
    .action(async (options) => (await import("../isolate-aws.ts")).isolateAwsConnect(options));
}

export function databaseCommands(cli: Command): void {
  const databases = cli.command("databases").description("what tenants have on the tenants' database server");
  databases
    .command("list")
    .description("every tenant's model, state and size")
    .option("--json", "print as JSON, a line each")
    .action(async (options) => (await import("../databases.ts")).list(options));
  databases
    .command("check")
    .description("find what lies there for nobody, and what a tenant lacks")
    .option("--json", "print as JSON")
    .action(async (options) => (await import("../databases.ts")).check(options));
  databases
    .command("repair")
    .description("mend what `check` finds, where no data are lost by it")
    .option("--json", "print as JSON")
    .action(async (options) => (await import("../databases.ts")).repair(options));
  databases
    .command("restore")
    .description("open the data of a removed tenant again, while they are kept")
    .argument("<tenant>", "our id of the tenant")
    .option("--days <number>", "how long they stay open", days, 7)
    .option("--into <tenant>", "copy them into this tenant instead, which has nothing yet")
    .option("--json", "print as JSON")
    .action(async (tenant, options) =>
      options.into === undefined
        ? (await import("../databases.ts")).restore(tenant, options)
        : (await import("../database-moves.ts")).restoreInto(tenant, options),
    );
  databases
    .command("move")
    .description("move a tenant's data to another model, whatever its plan says; ends when they are there")
    .argument("<tenant>", "our id of the tenant")
    .addOption(new Option("--to <model>", "where to").choices(["pool", "bridge", "silo"]).makeOptionMandatory())
    .option("--json", "print as JSON")
    .action(async (tenant, options) => (await import("../database-moves.ts")).move(tenant, options));
}
