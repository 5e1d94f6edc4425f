import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { ProviderError } from "./errors.ts";

/** Exit codes of sysexits.h where one fits. */
const USAGE = 64;
const UNAVAILABLE = 69;
const CONFIG = 78;

function program(): Command {
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
    .action(async (options) => (await import("./cli/serve.ts")).serve(options));
  cli
    .command("work")
    .description("run owed work: calls to marketplaces and to the product")
    .action(async () => (await import("./cli/work.ts")).work());
  cli
    .command("migrate")
    .description("bring the database up to date")
    .option("--json", "print the result as JSON")
    .action(async (options) => (await import("./cli/migrate.ts")).migrateDatabase(options));
  cli
    .command("simulate")
    .description("play the marketplaces on this machine")
    .option("--provider <url>", "where the provider answers", "http://127.0.0.1:3000")
    .action(async (options) => (await import("./cli/simulate.ts")).simulate(options));
  manifestCommands(cli);
  databaseCommands(cli);
  cli
    .command("doctor")
    .description("check settings, database, clock and manifest, and say what to do")
    .option("--json", "print the findings as JSON")
    .action(async (options) => (await import("./cli/doctor.ts")).doctor(options));
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
    .action(async (options) => (await import("./cli/usage.ts")).usage(options));
  auditCommands(cli);
  eventCommands(cli);
  awsCommands(cli);
  isolateCommands(cli);
  cli
    .command("reconcile")
    .description("compare what was billed with the marketplace's own reports")
    .argument("<marketplace>", "aws", marketplaceNamed("aws"))
    .option("--report <file>", "the seller's billing report, CSV")
    .option("--mapping <file>", "JSON that says which column is which")
    .option("--cloudtrail <file>", "an export of CloudTrail's events, JSON")
    .option("--csv <file>", "write the differences there")
    .option("--json", "print as JSON")
    .action(async (_marketplace, options) => (await import("./cli/reconcile.ts")).reconcile(options));
  return cli;
}

function keysCommands(cli: Command): void {
  const keys = cli
    .command("keys")
    .description("show how the product checks our calls, and the ids of the key ring")
    .option("--new", "print a new entry for SECRET_KEYS")
    .option("--json", "print as JSON")
    .action(async (options) => (await import("./cli/keys.ts")).keys(options));
  keys
    .command("rotate")
    .description("give every tenant new credentials: canaries first, then batches; the workers carry it through")
    .option("--all", "begin with every tenant there is")
    .option("--overlap <time>", "how long the old ones go on working, such as 90s, 2h, 7d or 0", duration, 7_200)
    .option("--kind <kind>", "one kind of credential (all that hold a secret)")
    .option("--canary <share>", "this share goes first", percentage, 1)
    .option("--batch <number>", "so many tenants on their way at most", number(1, 1_000), 100)
    .option("--no-wait", "the rest does not wait until the canaries are well")
    .option("--pause <id>", "begin no further turn")
    .option("--resume <id>", "go on; after failures that means they are accepted")
    .option("--cancel <id>", "leave those that had no turn as they are")
    .option("--status [id]", "how far it is (the newest)")
    .option("--csv <file>", "write the proof there, key by key")
    .option("--json", "print the state as JSON")
    .action(async (_options, command) => (await import("./cli/rotate.ts")).rotate(command.optsWithGlobals()));
  keys
    .command("reseal")
    .description("seal everything again under the first key of the ring, while serving; say which keys may be removed")
    .option("--status", "count what each key has sealed, and change nothing")
    .option("--json", "print as JSON")
    .action(async (_options, command) => (await import("./cli/reseal.ts")).resealSecrets(command.optsWithGlobals()));
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** In seconds. */
function duration(text: string): number {
  const [, amount, unit = "s"] = /^(\d{1,7})([smhd])?$/.exec(text) ?? [];
  const seconds = Number(amount) * (UNITS[unit] ?? Number.NaN);
  if (seconds <= 604_800) return seconds;
  throw new InvalidArgumentError("It is a time of at most seven days, such as 90s, 15m, 2h or 0.");
}

function percentage(text: string): number {
  const share = Number(/^(\d{1,3}(\.\d{1,4})?)%?$/.exec(text)?.[1]);
  if (share <= 100) return share;
  throw new InvalidArgumentError("It is a share from 0% to 100%.");
}

function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`);
  };
}

function auditCommands(cli: Command): void {
  const audit = cli.command("audit").description("who revealed, issued, rotated, revoked or crossed what");
  audit
    .command("verify")
    .description("recompute every hash and seal; exit code 1 says what is broken and where")
    .option("--tenant <id>", "one tenant's chain, or `operator`")
    .option("--witness <sequence:hash>", "an anchor as the log told of it", witnessed)
    .option("--json", "print the verdict as JSON")
    .action(async (options) => (await import("./cli/audit.ts")).verify(options));
  audit
    .command("list")
    .description("the entries of one chain, oldest first")
    .requiredOption("--tenant <id>", "our id of the tenant, or `operator`")
    .option("--json", "print each as JSON on a line")
    .action(async (options) => (await import("./cli/audit.ts")).list(options));
}

function witnessed(text: string): { sequence: number; hash: string } {
  const [, sequence, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (sequence === undefined || hash === undefined)
    throw new InvalidArgumentError("It is an anchor's number and hash, such as 17:9f86….");
  return { sequence: Number(sequence), hash };
}

function eventCommands(cli: Command): void {
  cli
    .command("listen")
    .description("show lifecycle events as they happen")
    .option("--tenant <id>", "of this tenant alone")
    .option("--type <type...>", "of these types alone; `usage.*` for all that begin so")
    .option("--forward-to <url>", "send each on, signed, to a program on this machine")
    .option("--since <time>", "begin with what has happened since then, ISO 8601", moment)
    .option("--json", "print each as JSON on a line of its own")
    .action(async (options) => (await import("./cli/listen.ts")).listen(options));
  cli
    .command("trigger")
    .description("make an event up, for who listens and for endpoints marked for tests; never in production")
    .argument("<type>", "as in docs/events.md")
    .option("--tenant <id>", "about this tenant")
    .option("--json", "print as JSON")
    .action(async (type, options) => (await import("./cli/events.ts")).trigger(type, options));
  cli
    .command("events")
    .description("lifecycle events, once more")
    .command("replay")
    .description("send past events to an endpoint again, also those it has taken")
    .requiredOption("--endpoint <id>", "which one")
    .requiredOption("--since <time>", "recorded from then on, ISO 8601", moment)
    .option("--type <type...>", "of these types alone")
    .option("--dry-run", "say how many, and change nothing")
    .option("--json", "print as JSON")
    .action(async (options) => (await import("./cli/events.ts")).replay(options));
}

function awsCommands(cli: Command): void {
  const aws = cli.command("aws").description("what an operator looks at of AWS Marketplace");
  aws
    .command("unclaimed")
    .description("purchases that are no tenant yet, oldest first")
    .option("--json", "print as JSON")
    .action(async (options) => (await import("./cli/aws.ts")).unclaimed(options));
  aws
    .command("review")
    .description("licences and messages that fit nowhere")
    .option("--json", "print as JSON")
    .action(async (options) => (await import("./cli/aws.ts")).review(options));
  aws
    .command("replay")
    .description("have a message read again")
    .argument("<id>", "its number, from `aws review`")
    .action(async (id) => (await import("./cli/aws.ts")).replay(id));
}

function isolateCommands(cli: Command): void {
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
    .action(async (table, options) => (await import("./cli/isolate.ts")).isolatePool(table, options));
  isolate
    .command("check")
    .description("look through the tenants' database for what leads from one tenant to another")
    .option("--json", "print as JSON")
    .action(async (options) => (await import("./cli/isolate.ts")).checkIsolation(options));
  isolate
    .command("aws")
    .description("print the template of the tenants' role and of what keeps their data in AWS")
    .option("--services <names>", "some of s3,dynamodb,opensearch,kms,rds", "s3,dynamodb,opensearch,kms,rds")
    .option("--model <name>", "pool, bridge or silo", "pool")
    .option("--format <name>", "cloudformation or terraform", "cloudformation")
    .option("--out <folder>", "write it there instead")
    .action(async (options) => (await import("./cli/isolate-aws.ts")).isolateAws(options));
  isolate
    .command("aws-connect")
    .description("print the template by which a customer lets the product into its AWS account")
    .option("--account <number>", "the vendor's account (the one of this machine's credentials)")
    .action(async (options) => (await import("./cli/isolate-aws.ts")).isolateAwsConnect(options));
}

function databaseCommands(cli: Command): void {
  const databases = cli.command("databases").description("what tenants have on the tenants' database server");
  databases
    .command("list")
    .description("every tenant's model, state and size")
    .option("--json", "print as JSON, a line each")
    .action(async (options) => (await import("./cli/databases.ts")).list(options));
  databases
    .command("check")
    .description("find what lies there for nobody, and what a tenant lacks")
    .option("--json", "print as JSON")
    .action(async (options) => (await import("./cli/databases.ts")).check(options));
  databases
    .command("repair")
    .description("mend what `check` finds, where no data are lost by it")
    .option("--json", "print as JSON")
    .action(async (options) => (await import("./cli/databases.ts")).repair(options));
  databases
    .command("restore")
    .description("open the data of a removed tenant again, while they are kept")
    .argument("<tenant>", "our id of the tenant")
    .option("--days <number>", "how long they stay open", days, 7)
    .option("--into <tenant>", "copy them into this tenant instead, which has nothing yet")
    .option("--json", "print as JSON")
    .action(async (tenant, options) =>
      options.into === undefined
        ? (await import("./cli/databases.ts")).restore(tenant, options)
        : (await import("./cli/database-moves.ts")).restoreInto(tenant, options),
    );
  databases
    .command("move")
    .description("move a tenant's data to another model, whatever its plan says; ends when they are there")
    .argument("<tenant>", "our id of the tenant")
    .addOption(new Option("--to <model>", "where to").choices(["pool", "bridge", "silo"]).makeOptionMandatory())
    .option("--json", "print as JSON")
    .action(async (tenant, options) => (await import("./cli/database-moves.ts")).move(tenant, options));
}

function days(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 365) throw new InvalidArgumentError("It is 1 to 365 days.");
  return number;
}

function moment(text: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw new InvalidArgumentError("It is no time such as 2026-05-10T10:00Z.");
  return date;
}

/** A command that only some marketplaces have is refused for the others. */
function marketplaceNamed(...known: readonly string[]): (name: string) => string {
  return (name) => {
    if (known.includes(name)) return name;
    throw new InvalidArgumentError(`It knows ${known.join(", ")}.`);
  };
}

function manifestCommands(cli: Command): void {
  const manifest = cli.command("manifest").description("the marketplace's view of addon-manifest.json");
  manifest
    .command("heroku")
    .description("print the manifest as Heroku's tools take it; every fault at once")
    .action(async () => (await import("./cli/manifest.ts")).printManifest());
  manifest
    .command("diff")
    .description("compare the file with the manifest in force")
    .option("--json", "print as JSON")
    .action(async (options) => (await import("./cli/manifest.ts")).diffManifest(options));
  manifest
    .command("push")
    .description("put the file in force")
    .option("--confirm <id>", "the id of the add-on, where something changes that can never change back")
    .action(async (options) => (await import("./cli/manifest.ts")).pushManifest(options));
}

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
