import type { Command } from "commander";
import { moment } from "./arguments.ts";

export function eventCommands(cli: Command): void {
  cli
    .command("listen")
    .description("show lifecycle events as they happen")
    .option("--tenant <id>", "of this tenant alone")
    .option("--type <type...>", "of these types alone; `usage.*` for all that begin so")
    .option("--forward-to <url>", "send each on, signed, to a program on this machine")
    .option("--since <time>", "begin with what has happened since then, ISO 8601", moment)
    .option("--json", "print each as JSON on a line of its own")
    .action(async (options) => (await import("../listen.ts")).listen(options));
  cli
    .command("trigger")
    .description("make an event up, for who listens and for endpoints marked for tests; never in production")
    .argument("<type>", "as in docs/events.md")
    .option("--tenant <id>", "about this tenant")
    .option("--json", "print as JSON")
    .action(async (type, options) => (await import("../events.ts")).trigger(type, options));
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
    .action(async (options) => (await import("../events.ts")).replay(options));
}
