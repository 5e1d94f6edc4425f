import type { Command } from "commander";
import { duration, number, percentage, witnessed } from "./arguments.ts";

export function keysCommands(cli: Command): void {
  const keys = cli
    .command("keys")
    .description("show how the product checks our calls, and the ids of the key ring")
    .option("--new", "print a new entry for SECRET_KEYS")
    .option("--json", "print as JSON")
    .action(async (options) => (await import("../keys.ts")).keys(options));
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
    .action(async (_options, command) => (await import("../rotate.ts")).rotate(command.optsWithGlobals()));
  keys
    .command("reseal")
    .description("seal everything again under the first key of the ring, while serving; say which keys may be removed")
    .option("--status", "count what each key has sealed, and change nothing")
    .option("--json", "print as JSON")
    .action(async (_options, command) => (await import("../reseal.ts")).resealSecrets(command.optsWithGlobals()));
}

export function auditCommands(cli: Command): void {
  const audit = cli.command("audit").description("who revealed, issued, rotated, revoked or crossed what");
  audit
    .command("verify")
    .description("recompute every hash and seal; exit code 1 says what is broken and where")
    .option("--tenant <id>", "one tenant's chain, or `operator`")
    .option("--witness <sequence:hash>", "an anchor as the log told of it", witnessed)
    .option("--json", "print the verdict as JSON")
    .action(async (options) => (await import("../audit.ts")).verify(options));
  audit
    .command("list")
    .description("the entries of one chain, oldest first")
    .requiredOption("--tenant <id>", "our id of the tenant, or `operator`")
    .option("--json", "print each as JSON on a line")
    .action(async (options) => (await import("../audit.ts")).list(options));
}
