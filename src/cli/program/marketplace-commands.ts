import type { Command } from "commander";
import { accountNumber } from "./arguments.ts";

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
  const aws = cli.command("aws").description("AWS Marketplace, and the roles of single tenants");
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
  roleCommands(aws);
}

function roleCommands(aws: Command): void {
  const roles = aws
    .command("roles")
    .description("tenants whose credentials are those of a role in an account of their own");
  roles
    .command("set")
    .description("try a role, and give it to one tenant")
    .argument("<tenant>", "our id of the tenant")
    .argument("<arn>", "arn:aws:iam::ACCOUNT:role/NAME")
    .option("--account <number>", "refuse a role of any other account", accountNumber)
    .option("--json", "print as JSON")
    .action(async (tenant, arn, options) => (await import("../aws-roles.ts")).setRole(tenant, arn, options));
  roles
    .command("list")
    .description("which tenant has which role")
    .option("--json", "print each as JSON on a line of its own")
    .action(async (options) => (await import("../aws-roles.ts")).listRoles(options));
  roles
    .command("remove")
    .description("give the tenant the role of all again")
    .argument("<tenant>", "our id of the tenant")
    .option("--json", "print as JSON")
    .action(async (tenant, options) => (await import("../aws-roles.ts")).removeRole(tenant, options));
}
