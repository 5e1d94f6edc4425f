import type { Command } from "commander";

export function manifestCommands(cli: Command): void {
  const manifest = cli.command("manifest").description("the marketplace's view of addon-manifest.json");
  manifest
    .command("heroku")
    .description("print the manifest as Heroku's tools take it; every fault at once")
    .action(async () => (await import("../manifest.ts")).printManifest());
  manifest
    .command("diff")
    .description("compare the file with the manifest in force")
    .option("--json", "print as JSON")
    .action(async (options) => (await import("../manifest.ts")).diffManifest(options));
  manifest
    .command("push")
    .description("put the file in force")
    .option("--confirm <id>", "the id of the add-on, where something changes that can never change back")
    .action(async (options) => (await import("../manifest.ts")).pushManifest(options));
}

export function awsCommands(cli: Command): void {
  const aws = cli.command("aws").description("what an operator looks at of AWS Marketplace");
  aws
    .command("unclaimed")
    .description("purchases that are no tenant yet, oldest first")
    .option("--json", "print as JSON")
    .action(async (options) => (await import("../aws.ts")).unclaimed(options));
  aws
    .command("review")
    .description("licences and messages that fit nowhere")
    .option("--json", "print as JSON")
    .action(async (options) => (await import("../aws.ts")).review(options));
  aws
    .command("replay")
    .description("have a message read again")
    .argument("<id>", "its number, from `aws review`")
    .action(async (id) => (await import("../aws.ts")).replay(id));
}
