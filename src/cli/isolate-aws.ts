import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../clock.ts";
import { tenantAws } from "../compose/tenant-aws.ts";
import { readManifestFile } from "../compose.ts";
import { readSettings } from "../config.ts";
import { ProviderError } from "../errors.ts";
import { isolationTemplate } from "../isolation/aws/aws.ts";
import { connectTemplateOf } from "../provider/aws-template.ts";

interface Options {
  readonly services: string;
  readonly model: string;
  readonly format: string;
  readonly out?: string;
}

/** Prints the template that divides AWS's services among tenants, or writes it into a folder. */
export async function isolateAws({ out, ...asked }: Options): Promise<void> {
  const { environment } = readSettings();
  const { catalog } = await readManifestFile();
  const template = isolationTemplate({ ...asked, environment, product: catalog.id });
  const text = `${JSON.stringify(template, undefined, 2)}\n`;
  if (out === undefined) {
    process.stdout.write(text);
    return;
  }
  const kind = asked.format === "terraform" ? "tf.json" : "template.json";
  const path = join(out, `${environment}-tenants-${asked.model}.${kind}`);
  await mkdir(out, { recursive: true });
  await writeFile(path, text);
  process.stdout.write(`${path}\n`);
}

/** Prints the template by which a customer lets the product into its AWS account. */
export async function isolateAwsConnect({ account }: { readonly account?: string }): Promise<void> {
  const settings = readSettings();
  const { catalog } = await readManifestFile();
  if (account !== undefined && !/^\d{12}$/.test(account))
    throw new ProviderError("request_malformed", "The number of an AWS account has twelve digits.");
  const vendor = account ?? (await tenantAws({ settings, catalog, clock: systemClock }).account());
  const template = connectTemplateOf(catalog, settings.environment, vendor);
  process.stdout.write(`${JSON.stringify(template, undefined, 2)}\n`);
}
